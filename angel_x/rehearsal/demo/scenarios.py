"""Scenarios of one account after the load: a stop, slices, a halt, a square-off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OrderStatus, OrderType, Side
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.presentation.indian import grouped

if TYPE_CHECKING:
    from angel_x.client import Client
    from angel_x.domain.records.order_record import OrderHistory
    from angel_x.rehearsal.orders import Instrument
    from angel_x.rehearsal.patience import Patience

#: Usual seconds until the market has moved by a tick.
_MARKET_SECONDS = 20.0
_SLICES = 3
#: The distance beyond the market of a limit that has to trade, as a part of the price.
_MARGIN = Decimal("0.05")

#: Distances of a stop from the last price, one after the other.
_STOP_TICKS = (1, 4, 16, 64)
_UNDECIDED = {OrderStatus.RECEIVED, OrderStatus.SUBMITTING}
_WAITING = {OrderStatus.RECEIVED, OrderStatus.TRIGGER_PENDING}


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The outcome of one scenario, and whether it is the expected one."""

    name: str
    outcome: str
    holds: bool
    #: False where a wait of the scenario gave up; then it has neither succeeded nor failed.
    is_finished: bool = True


class DemoScenarios:
    """Run one after the other with the key of one account."""

    def __init__(
        self, client: Client, instrument: Instrument, freeze_quantity: int, patience: Patience
    ) -> None:
        self._client = client
        self._instrument = instrument
        self._freeze = freeze_quantity
        self._patience = patience

    def results(self) -> Iterator[ScenarioResult]:
        """Run every scenario and yield its result."""
        for scenario in (self._stop, self._slices, self._halt, self._square_off):
            before = len(self._patience.unfinished)
            result = scenario()
            yield replace(result, is_finished=len(self._patience.unfinished) == before)

    def _stop(self) -> ScenarioResult:
        """Place a stop on either side of the market and wait until one is triggered."""
        stops = [self._standing_stop(side) for side in Side]

        def met() -> list[str]:
            return [stop for stop in stops if self._client.order(stop).status not in _WAITING]

        self._patience.wait("the trigger of a stop", lambda: bool(met()), seconds=_MARKET_SECONDS)
        first = (met() or stops)[0]
        self._client.cancel_all()
        return _stop_result(self._client.order(first))

    def _standing_stop(self, side: Side) -> str:
        """Place a stop a tick beyond the market, and further away while the market has passed it."""
        for ticks in _STOP_TICKS:
            stop = self._submit(**self._stop_order(side, ticks))
            if self._await_decision(stop).reason != DenialReason.TRIGGER_PASSED:
                break
        return stop

    def _stop_order(self, side: Side, ticks: int) -> dict[str, object]:
        last = self._client.greeks(self._instrument.symbol).last or self._instrument.mark_price
        trigger = self._on_tick(last) + side.sign * ticks * self._instrument.tick_size
        return {
            "side": side.value,
            "order_type": OrderType.STOP_LIMIT.value,
            "trigger_price": str(trigger),
            "price": str(self._beyond(trigger, side)),
            "quantity": self._instrument.lot_size,
        }

    def _slices(self) -> ScenarioResult:
        lot = self._instrument.lot_size
        largest = self._freeze // lot * lot
        wanted = largest * (_SLICES - 1) + lot
        price = str(self._beyond(self._instrument.mark_price, Side.BUY))
        order_id = self._submit(quantity=wanted, order_type=OrderType.LIMIT.value, price=price)
        order = self._await_decision(order_id)
        sizes = [each.quantity for each in order.slices]
        filled = sum(each.filled_quantity for each in order.slices)
        return ScenarioResult(
            "slices",
            f"{grouped(wanted)} units became {' + '.join(map(grouped, sizes))}: "
            f"{order.status}, {grouped(order.filled_quantity)} traded",
            holds=sum(sizes) == wanted
            and max(sizes) <= largest
            and filled == order.filled_quantity,
        )

    def _halt(self) -> ScenarioResult:
        on = self._client.kill_switch("on", reason="demonstration")
        refused = self._decided(quantity=self._instrument.lot_size)
        off = self._client.kill_switch("off", reason="demonstration")
        taken = self._decided(quantity=self._instrument.lot_size)
        return ScenarioResult(
            "kill switch",
            f"{on.state}: {refused.status} for {refused.reason}; {off.state}: {taken.status}",
            holds=on.settled
            # Denied when it was decided, or canceled by the sweep if that met it first.
            and refused.reason in (DenialReason.TRADING_HALTED, CancelReason.KILL_SWITCH)
            and not refused.filled_quantity
            and off.state is TradingState.ACTIVE
            and taken.reason != DenialReason.TRADING_HALTED,
        )

    def _square_off(self) -> ScenarioResult:
        asked = self._client.square_off()

        def is_over() -> bool:
            standing = self._client.square_off_standing(asked.id)
            return standing.status is not WorkflowStatus.RUNNING

        self._patience.wait("the end of a square-off", is_over, progress=self._client.positions)
        standing = self._client.square_off_standing(asked.id)
        left = self._client.positions()
        units = sum(leg.filled_quantity for leg in standing.legs)
        return ScenarioResult(
            "square-off",
            f"{grouped(units)} units traded, {len(left)} positions left",
            holds=standing.flat and not left,
        )

    def _decided(self, **terms: object) -> OrderHistory:
        return self._await_decision(self._submit(**terms))

    def _await_decision(self, order_id: str) -> OrderHistory:
        def state() -> tuple[OrderStatus, int]:
            order = self._client.order(order_id)
            return order.status, order.filled_quantity

        self._patience.wait(
            "the decision of an order", lambda: state()[0] not in _UNDECIDED, progress=state
        )
        return self._client.order(order_id)

    def _submit(self, **terms: object) -> str:
        order = {"symbol": self._instrument.symbol, "side": Side.BUY.value, **terms}
        (receipt,) = self._client.submit(order)
        return receipt.order_id

    def _beyond(self, price: Decimal, side: Side) -> Decimal:
        return self._on_tick(price * (1 + side.sign * _MARGIN))

    def _on_tick(self, price: Decimal) -> Decimal:
        tick = self._instrument.tick_size
        return max(round(price / tick), 1) * tick


def _stop_result(stop: OrderHistory) -> ScenarioResult:
    moves = [event.status for event in stop.events]
    has_waited = OrderStatus.TRIGGER_PENDING in moves
    return ScenarioResult(
        "stop",
        f"{stop.side} at {stop.trigger_price}: {' → '.join(moves)}",
        # Nothing of it trades before its trigger; a market that has moved on may be there at once.
        holds=OrderStatus.DENIED not in moves and (has_waited or stop.filled_quantity > 0),
    )
