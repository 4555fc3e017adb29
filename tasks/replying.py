"""Tasks whose sender may ask for the outcome, with ``ignore_result=False`` in the message.

The result is written here and not by Celery: its result backend would be every task's, tries for
seconds while its server is away, and would let an accepted order end as a failed task.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from angel_x.entrypoints.presentation import problem, reply
from angel_x.errors import InvalidInput
from angel_x.services.intake.submissions import Outcome
from tasks import runtime
from tasks.base import BaseTask


class ReplyingTask(BaseTask):
    """A task with a reply: the answer of the HTTP API."""

    abstract = True

    def reply(self, outcome: Outcome) -> None:
        """Write the receipts or the problem for a sender that asked; else do nothing."""
        replies = runtime.current().intake.replies
        if replies is not None and self._is_asked():
            replies.put(self.request.id, reply.as_data(outcome))

    def on_failure(self, exc: BaseException, task_id: str, *arguments: object) -> None:
        """Log the error, and reply with a problem of status 500; Celery calls this."""
        super().on_failure(exc, task_id, *arguments)
        replies = runtime.current().intake.replies
        if replies is not None and self._is_asked():
            detail = f"the message failed; the log has the cause under message id {task_id}"
            failed = problem.of_status(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
            replies.put(task_id, msgspec.to_builtins(failed))

    def _drop(self, error: InvalidInput) -> None:
        super()._drop(error)
        self.reply(error)

    def _is_asked(self) -> bool:
        # A message that says nothing about it wants no result: this is the default of the task.
        return vars(self.request).get("ignore_result") is False
