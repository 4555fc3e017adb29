"""Delivery policy of all tasks: checks, logs and counts around each run."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from time import perf_counter
from typing import Any, get_type_hints

import msgspec
import structlog
from celery import Task
from celery.exceptions import Ignore, Reject

from angel_x.domain.operations.metric import Metric
from angel_x.errors import InvalidInput
from tasks import drops, runtime

log = structlog.get_logger()


class Outcome(StrEnum):
    """End of a run of a task."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: Back to its queue, because a server was away.
    RETURNED = "returned"
    #: Its arguments did not fit.
    DROPPED = "dropped"


class BaseTask(Task):
    """A task whose arguments are converted to the types of its signature.

    A message with wrong arguments is dropped; an error of the task is logged with its traceback.
    Neither is redelivered: the relay rings for due work.
    """

    abstract = True

    def __call__(self, *args: object, **kwargs: object) -> object:
        started, outcome = perf_counter(), Outcome.FAILED
        try:
            arguments = self._converted(args, kwargs)
            result = self.run(*arguments.args, **arguments.kwargs)
            outcome = Outcome.SUCCEEDED
        except InvalidInput as error:
            outcome = Outcome.DROPPED
            self._drop(error)
            raise Ignore(str(error)) from None
        except Reject:
            outcome = Outcome.RETURNED
            raise
        finally:
            elapsed = perf_counter() - started
            runtime.meter().observe(
                Metric.TASK_RUNTIME_SECONDS, elapsed, task=self.name, outcome=outcome.value
            )
        return result

    def on_failure(self, exc: BaseException, task_id: str, *_: object) -> None:
        """Log the error; Celery calls this."""
        log.error("task.failed", task=self.name, message_id=task_id, exc_info=exc)

    def _converted(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> inspect.BoundArguments:
        try:
            bound = self._signature.bind(*args, **kwargs)
            for name, value in bound.arguments.items():
                bound.arguments[name] = msgspec.convert(value, self._types[name], strict=False)
        except (TypeError, msgspec.ValidationError) as error:
            raise InvalidInput(f"the arguments do not fit: {error}") from None
        return bound

    def _drop(self, error: InvalidInput) -> None:
        drops.drop(
            drops.Dropped.ARGUMENTS, detail=str(error), task=self.name, message_id=self.request.id
        )

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.run)

    @cached_property
    def _types(self) -> dict[str, Any]:
        return get_type_hints(self.run, include_extras=True)
