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
        refused = {i: self._refusal(s) for i, s in enumerate(submissions)}
        admitted = [s for i, s in enumerate(submissions) if refused[i] is None]
        stored = iter(self._acceptance.accept(admitted) if admitted else ())
        return [refused[i] or next(stored) for i in range(len(submissions))]

    def _refusal(self, submission: Submission) -> AngelXError | None:
        try:
            self._acceptance.check(submission)
            self._backpressure.admit(submission.requests)
        except AngelXError as error:
            return error
        return None
