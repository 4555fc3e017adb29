"""What a group commit does with the submissions it has gathered."""

from __future__ import annotations

from collections.abc import Sequence

from angel_x.entrypoints.api.group_commit import Outcome
from angel_x.errors import AngelXError
from angel_x.services.intake.acceptance import Acceptance, Submission
from angel_x.services.intake.admission import Admission


class Intake:
    """Checks each submission, turns away what is not let in, and stores the rest."""

    def __init__(self, acceptance: Acceptance, admission: Admission) -> None:
        self._acceptance = acceptance
        self._admission = admission

    def commit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Store what passes in one transaction; return one outcome a submission.  Blocks."""
        refusals = self._refusals(submissions)
        settled = {
            i: self._acceptance.refuse(submissions[i], refusal)
            for i, refusal in refusals.items()
            if refusal is not None
        }
        admitted = [s for i, s in enumerate(submissions) if i not in settled]
        stored = iter(self._acceptance.accept(admitted) if admitted else ())
        return [settled[i] if i in settled else next(stored) for i in range(len(submissions))]

    def _refusals(self, submissions: Sequence[Submission]) -> dict[int, AngelXError | None]:
        """Return why a submission is refused; only what is well formed asks to be let in."""
        faults = {i: self._fault(submission) for i, submission in enumerate(submissions)}
        sound = [i for i, fault in faults.items() if fault is None]
        found = self._admission.admit([submissions[i] for i in sound])
        return faults | dict(zip(sound, found, strict=True))

    def _fault(self, submission: Submission) -> AngelXError | None:
        try:
            self._acceptance.check(submission)
        except AngelXError as error:
            return error
        return None
