"""A venue of its own, written down beforehand: slow, silent, and ready to say everything twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from angel_x.domain.exchange.answer import UNKNOWN, UNSENT, Answer, VenueExecution, VenueState
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, Side
from tests.builders.terms import RATES

ASK, BID = Decimal("100.50"), Decimal("100.00")
#: Prices that are further away than this are refused.
HIGHEST = Decimal(1000)


@dataclass
class Held:
    """An order as the venue has it."""

    order: Order
    state: VenueState = VenueState.STANDING
    executions: list[VenueExecution] = field(default_factory=list)
    reason: DenialReason | None = None

    @property
    def filled(self) -> int:
        return sum(execution.quantity for execution in self.executions)


@dataclass
class ScriptedVenue:
    """Trades orders that cross 100.00 x 100.50 in full, lets others rest, refuses high prices."""

    is_local = False
    places_at_once = False

    #: Done while a request is on its way.
    meanwhile: Callable[[], object] = lambda: None
    #: Requests that never arrive, and requests whose answers do not.
    lost_requests: set[str] = field(default_factory=set)
    lost_answers: set[str] = field(default_factory=set)
    #: Requests for which there is no time, or no room.
    unsent: set[str] = field(default_factory=set)
    #: Requests that the venue refuses.
    refused: set[str] = field(default_factory=set)
    #: Orders that were said to be absent when they were to be placed.
    absent: set[int] = field(default_factory=set)
    #: Units of an order that trade at most.
    size: int = 10**6
    held: dict[str, Held] = field(default_factory=dict)
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def preview(self, orders: Sequence[Order]) -> list[Terms]:
        return [
            Terms(None, RATES, None, 0, o.limit_price or ASK, underlying="NIFTY") for o in orders
        ]

    def place(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,
        absent: Collection[int] = frozenset(),
    ) -> list[Answer]:
        self.absent |= set(absent)

        def act(order: Order) -> None:
            if order.tag not in self.held:
                self.held[order.tag] = self._taken(order)

        return [self._request("place", order, act) for order in orders]

    def amend(
        self,
        changes: Sequence[tuple[Order, Amendment]],
        leased_at: float | None = None,
    ) -> list[Answer]:
        def act(order: Order, wanted: Amendment) -> None:
            kept = self.held[order.tag].order
            kept.quantity, kept.limit_price = wanted.quantity, wanted.limit_price
            self._trade(self.held[order.tag])

        return [
            self._request("amend", order, lambda o, wanted=wanted: act(o, wanted))  # type: ignore[misc]
            for order, wanted in changes
        ]

    def cancel(
        self,
        orders: Sequence[Order],
        leased_at: float | None = None,
    ) -> list[Answer]:
        def act(order: Order) -> None:
            held = self.held.get(order.tag)
            if held is not None and held.filled < held.order.quantity:
                held.state = VenueState.CANCELED

        return [self._request("cancel", order, act) for order in orders]

    def status(self, tags: Sequence[str]) -> list[Answer]:
        self.asked.append(("status", list(tags)))
        if "status" in self.lost_answers:
            return [UNKNOWN] * len(tags)
        return [self._state(tag) for tag in tags]

    def settle(self, orders: Sequence[Order]) -> list[Answer]:
        self.asked.append(("settle", [order.tag for order in orders]))
        return [self._state(order.tag) for order in orders]

    def trade(self, tag: str, units: int, price: Decimal = ASK) -> None:
        """Let the market come to an order."""
        self._execute(self.held[tag], units, price)

    def requests(self, name: str) -> int:
        """Return how many orders a request was made for."""
        return sum(len(tags) for asked, tags in self.asked if asked == name)

    def _request(self, name: str, order: Order, act: Callable[[Order], None]) -> Answer:
        self.asked.append((name, [order.tag]))
        self.meanwhile()
        if name in self.unsent:
            return UNSENT
        if name not in self.lost_requests and name not in self.refused:
            act(order)
        if {name} & (self.lost_requests | self.lost_answers):
            return UNKNOWN
        answer = self._state(order.tag)
        if name == "place" and name in self.refused:
            return Answer(VenueState.REJECTED, charges=RATES)
        return answer

    def _taken(self, order: Order) -> Held:
        held = Held(replace(order))
        if order.limit_price is not None and order.limit_price > HIGHEST:
            held.state, held.reason = VenueState.REJECTED, DenialReason.PRICE_BAND
        else:
            self._trade(held)
        return held

    def _trade(self, held: Held) -> None:
        order = held.order
        touch = ASK if order.side is Side.BUY else BID
        limit = order.limit_price
        if limit is None or (limit - touch) * order.side.sign >= 0:
            self._execute(held, min(order.quantity - held.filled, self.size), touch)

    def _execute(self, held: Held, units: int, price: Decimal) -> None:
        before = held.filled
        name = f"{held.order.tag}/{len(held.executions) + 1}"
        held.executions.append(VenueExecution(name, units, price, before))

    def _state(self, tag: str) -> Answer:
        held = self.held.get(tag)
        if held is None:
            return Answer(VenueState.ABSENT)
        return Answer(
            held.state,
            executions=tuple(held.executions),
            charges=RATES,
            reason=held.reason,
            standing=Amendment.of(held.order),
        )
