"""The words of the kill switch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from angel_x.domain.book.control import ControlReceipt, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.records.order_record import OrderRecord
from angel_x.entrypoints.desk.views.words import clock, status_words, units

STATES: Mapping[TradingState, str] = {
    TradingState.HALTED: "Halt: cancel open orders, let in only emergency orders that close",
    TradingState.REDUCING: "Reducing only: cancel orders that open, let in those that close",
    TradingState.ACTIVE: "Trade: let orders in again",
}
SCOPES: Mapping[ControlScope, str] = {
    ControlScope.SYSTEM: "the whole system",
    ControlScope.USER: "this account",
}
_VERBS = {
    TradingState.HALTED: "Halt",
    TradingState.REDUCING: "Only reduce in",
    TradingState.ACTIVE: "Resume",
}
_STATES = {
    TradingState.HALTED: "halted",
    TradingState.REDUCING: "reducing only",
    TradingState.ACTIVE: "trading",
}
_LISTED = 8


@dataclass(frozen=True, slots=True)
class HaltOutcome:
    """The answer of the server in words."""

    title: str
    lines: tuple[str, ...]


def question(state: TradingState, scope: ControlScope) -> str:
    return f"{_VERBS[state]} {SCOPES[scope]}?"


def outcome(receipt: ControlReceipt, orders: Sequence[OrderRecord]) -> HaltOutcome:
    """Return the words of a receipt, and the statuses of the orders that were open before it."""
    settled = (
        "No order is decided under the former state any more."
        if receipt.settled
        else "A transaction that began earlier was still open: an order may yet be decided."
    )
    lines = [f"Set by {receipt.actor} at {clock(receipt.changed_at)} IST. {settled}"]
    if orders:
        counts = Counter(order.status for order in orders)
        words = ", ".join(f"{units(n)} {status_words(s)}" for s, n in counts.items())
        lines.append(f"Of the open orders of this account: {words}.")
        lines += [
            f"{order.symbol} {order.side} {units(order.quantity)}: {status_words(order.status)}"
            for order in orders[:_LISTED]
        ]
    elif receipt.state is not TradingState.ACTIVE:
        lines.append("This account had no open orders.")
    if len(orders) > _LISTED:
        lines.append(f"and {units(len(orders) - _LISTED)} more")
    scope = SCOPES.get(receipt.scope, receipt.name)
    return HaltOutcome(f"{scope[:1].upper()}{scope[1:]} is {_STATES[receipt.state]}", tuple(lines))
