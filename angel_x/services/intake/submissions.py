"""The way of every submission into the system: read, checked, let in, stored, rung for.

HTTP, the command line and Celery messages differ only in how they present the outcome.  A basket
stores its legs itself and asks for admission alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from angel_x.domain.operations.metric import Metric
from angel_x.errors import AngelXError, InvalidInput, InvalidOrder
from angel_x.services.intake import order_form
from angel_x.services.intake.acceptance import Acceptance, Accepted, Submission
from angel_x.services.intake.admission import Admission
from angel_x.services.intake.order_check import OrderCheck
from angel_x.services.ports import Meter

#: The orders of one submission, or the error that concerns it alone.
Outcome = tuple[Accepted, ...] | AngelXError


@dataclass(frozen=True, slots=True)
class RawSubmission:
    """The parsed JSON of a submission, unchecked: one order or ``{"orders": [...]}``."""

    user_id: int
    content: Mapping[str, object]
    actor: str


class Submissions:
    """Takes submissions in batches; one that is refused leaves the others alone.

    A second call with the same client order ids and the same content answers with the orders of the
    first one, even where they would be refused now: the contract may have expired or left the list
    since, and the queue may have filled.
    """

    def __init__(
        self, *, check: OrderCheck, admission: Admission, acceptance: Acceptance, meter: Meter
    ) -> None:
        self._check = check
        self._admission = admission
        self._acceptance = acceptance
        self._meter = meter

    def submit(self, submissions: Sequence[Submission | RawSubmission]) -> list[Outcome]:
        """Store every submission that is let in, all in one transaction; return an outcome each.

        Only submissions that are well formed ask to be let in.  Blocks.
        """
        outcomes: dict[int, Outcome] = {}
        read: dict[int, Submission] = {}
        for place, given in enumerate(submissions):
            submission = _read(given)
            if isinstance(submission, Submission):
                read[place] = submission
            else:
                outcomes[place] = submission
        refused = self._refusals(read)
        outcomes |= self._known_or_refused({place: read[place] for place in refused}, refused)
        outcomes |= self._accept({p: s for p, s in read.items() if p not in refused})
        return [outcomes[place] for place in range(len(submissions))]

    def admit(self, submission: Submission) -> None:
        """Let in orders that are stored by their caller, as the legs of a basket are.

        Raises:
            InvalidOrder: With every fault of every order.
            QueueFull: Too many orders wait.
            OrderRateExceeded: Too many orders came in within a second.
        """
        refusal = self._refusals({0: submission}).get(0)
        if refusal is not None:
            self._count(refusal)
            raise refusal

    def _refusals(self, submissions: Mapping[int, Submission]) -> dict[int, AngelXError]:
        """Return the refusals by place of submission; the rate counter is asked once for all."""
        refused: dict[int, AngelXError] = {}
        for place, submission in submissions.items():
            try:
                self._check.check(submission.requests)
            except AngelXError as error:
                refused[place] = error
        sound = [place for place in submissions if place not in refused]
        found = self._admission.admit([submissions[place] for place in sound])
        return refused | {p: refusal for p, refusal in zip(sound, found, strict=True) if refusal}

    def _known_or_refused(
        self, submissions: Mapping[int, Submission], refusals: Mapping[int, AngelXError]
    ) -> dict[int, Outcome]:
        """Return the orders of each submission that was stored before, else its refusal."""
        if not submissions:
            return {}
        known = self._acceptance.known(list(submissions.values()))
        outcomes: dict[int, Outcome] = {}
        for place, orders in zip(submissions, known, strict=True):
            outcomes[place] = refusals[place] if orders is None else orders
            if orders is None:
                self._count(refusals[place])
        return outcomes

    def _accept(self, submissions: Mapping[int, Submission]) -> dict[int, Outcome]:
        if not submissions:
            return {}
        accepted = self._acceptance.accept(list(submissions.values()))
        return dict(zip(submissions, accepted, strict=True))

    def _count(self, refusal: AngelXError) -> None:
        if isinstance(refusal, InvalidOrder):
            self._meter.add(Metric.ORDERS_REFUSED, len({f.index for f in refusal.faults}))


def _read(given: Submission | RawSubmission) -> Submission | InvalidInput:
    if isinstance(given, Submission):
        return given
    try:
        return Submission(given.user_id, order_form.read(dict(given.content)), given.actor)
    except InvalidInput as error:
        return error
