"""Tells the emergency orders that take risk off from those that do not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.risk import closes
from angel_x.domain.orders.order import OrderRequest, Priority
from angel_x.services.intake.acceptance import Submission

#: Returns the exposures of accounts in contracts, with the emergency orders that wait for a decision as
#: if they rested; one without either may be left out.
ReadExposures = Callable[[Collection[tuple[int, str]]], Mapping[tuple[int, str], Exposure]]


class Emergencies:
    """Reads the positions that emergency orders of submissions would close.

    An order reduces if the position covers all of its units, less those of open orders that reduce it
    already.  The decision asks again.
    """

    def __init__(self, read: ReadExposures) -> None:
        self._read = read

    def opening(self, submissions: Sequence[Submission]) -> list[int]:
        """Return for each submission the number of its emergency orders that do not reduce.

        Nothing is read where there are no emergency orders.
        """
        places = {
            (submission.user_id, request.symbol)
            for submission in submissions
            for request in _urgent(submission)
        }
        exposures = dict(self._read(places)) if places else {}
        return [_opening(submission, exposures) for submission in submissions]


def _opening(submission: Submission, exposures: dict[tuple[int, str], Exposure]) -> int:
    """Count the orders that do not reduce; those that do take up the position for later ones."""
    opening = 0
    for request in _urgent(submission):
        key = submission.user_id, request.symbol
        exposure = exposures.setdefault(key, Exposure(*key))
        if closes(request.side, request.quantity, exposure):
            exposure.offer(request.side, request.quantity)
        else:
            opening += 1
    return opening


def _urgent(submission: Submission) -> list[OrderRequest]:
    return [r for r in submission.requests if r.priority is Priority.EMERGENCY]
