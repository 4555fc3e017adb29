"""The paper exchange as a venue: offers within our transaction, or after a latency."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from angel_x.domain.exchange.answer import Answer, VenueState
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order
from angel_x.services.trading.paper_market import PaperMarket

_ARRIVED = Answer(VenueState.STANDING)
_CANCELED = Answer(VenueState.CANCELED)
_ABSENT = Answer(VenueState.ABSENT)


class PaperVenue:
    """Answers from the cached quotes; an unrecorded answer has no effect."""

    is_local = True

    def __init__(self, market: PaperMarket, *, sleep: Callable[[float], None]) -> None:
        self._market = market
        self._sleep = sleep

    @property
    def places_at_once(self) -> bool:
        return not self._market.has_latency

    def preview(self, orders: Sequence[Order]) -> Sequence[Terms]:
        return self._market.preview(orders)

    def place(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,  # noqa: ARG002 - nothing leaves this process
        absent: Collection[int] = frozenset(),  # noqa: ARG002 - as above
    ) -> Sequence[Answer]:
        """Make offers, or wait for as long as the orders are on their way and make none.

        An order that has arrived is traded by :meth:`settle`, in the market as it is then.
        """
        if self.places_at_once:
            return self.settle(orders)
        self._sleep(self._market.latency_seconds(orders))
        return [_ARRIVED] * len(orders)

    def amend(
        self,
        changes: Sequence[tuple[Order, Amendment]],
        leased_at: float | None = None,  # noqa: ARG002 - nothing leaves this process
    ) -> Sequence[Answer]:
        terms = self._market.terms([order for order, _ in changes], are_amended=True)
        return [Answer(_state(each), each) for each in terms]

    def cancel(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,  # noqa: ARG002 - nothing leaves this process
    ) -> Sequence[Answer]:
        return [_CANCELED] * len(orders)

    def status(self, tags: Sequence[str]) -> Sequence[Answer]:
        """Answer that no order is there: none is outside our database."""
        return [_ABSENT] * len(tags)

    def settle(self, orders: Sequence[Order]) -> Sequence[Answer]:
        return [Answer(_state(terms), terms) for terms in self._market.terms(orders)]


def _state(terms: Terms) -> VenueState:
    if terms.denial is not None:
        return VenueState.REJECTED
    return VenueState.STANDING if terms.triggered else VenueState.TRIGGER_PENDING
