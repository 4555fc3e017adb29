"""What a group commit does with the submissions it has gathered."""

from __future__ import annotations

from collections.abc import Sequence

from angel_x.entrypoints.api.group_commit import Outcome
from angel_x.errors import AngelXError
from angel_x.services.acceptance import Acceptance, Submission
from angel_x.services.backpressure import Backpressure


class Intake:
    """Checks each submission, turns away what the queues cannot take, and stores the rest."""

    def __init__(self, acceptance: Acceptance, backpressure: Backpressure) -> None:
        self._acceptance = acceptance
        self._backpressure = backpressure

    def commit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Store what passes in one transaction; return one outcome a submission.  Blocks."""
        settled = {i: self._settled(s) for i, s in enumerate(submissions)}
        admitted = [s for i, s in enumerate(submissions) if settled[i] is None]
        stored = iter(self._acceptance.accept(admitted) if admitted else ())
        return [settled[i] or next(stored) for i in range(len(submissions))]

    def _settled(self, submission: Submission) -> Outcome | None:
        """Return the outcome of a submission that need not be stored."""
        try:
            self._acceptance.check(submission)
            self._backpressure.admit(submission.requests)
        except AngelXError as error:
            return self._acceptance.refuse(submission, error)
        return None
