"""Delivery policy of all tasks: checks, logs and counts around each run."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cached_property
from typing import Any, get_type_hints

import msgspec
import structlog
from celery import Task
from celery.exceptions import Ignore

from angel_x.errors import InvalidInput
from tasks import drops

log = structlog.get_logger()


class BaseTask(Task):
    """A task whose arguments are converted to the types of its signature.

    A message with wrong arguments is dropped; an error of the task is logged with its traceback.
    Neither is redelivered: the relay rings for due work.
    """

    abstract = True

    def __call__(self, *args: object, **kwargs: object) -> object:
        try:
            arguments = self._converted(args, kwargs)
            return self.run(*arguments.args, **arguments.kwargs)
        except InvalidInput as error:
            self._drop(error)
            raise Ignore(str(error)) from None

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
