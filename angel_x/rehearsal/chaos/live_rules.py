"""The rules of a storm over live trading: both books are equal, and no request was over its limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angel_x.domain.exchange.reconciliation import Difference, DifferenceKind, Reconciliation
from angel_x.domain.operations.invariant import Invariant
from angel_x.rehearsal.fake_exchange.inspection import ExchangeState
from angel_x.rehearsal.proofs import rule

_LOST = frozenset(
    {
        DifferenceKind.ORDER_ABSENT,
        DifferenceKind.ORDER_UNRECORDED,
        DifferenceKind.ORDER_STATE,
        DifferenceKind.ORDER_TERMS,
    }
)
_FILLS = frozenset(
    {
        DifferenceKind.ORDER_FILLED,
        DifferenceKind.FILL_ABSENT,
        DifferenceKind.FILL_UNRECORDED,
        DifferenceKind.FILL_TERMS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """The end of a storm as the exchange and the database have it."""

    exchange: ExchangeState
    #: The names of all executions of the database, as often as they were booked.
    executions: Sequence[str]
    #: The last comparison; None where the exchange did not answer.
    reconciliation: Reconciliation | None


def live_rules(sides: BothSides) -> list[Invariant]:
    """Return every rule, with the orders, executions and contracts that break it."""
    exchange, result = sides.exchange, sides.reconciliation
    found = () if result is None else result.differences
    return [
        rule(
            "no live order lost",
            "every order is open or closed on both sides alike",
            _texts(found, _LOST),
        ),
        rule(
            "no live order sent twice", "the exchange has one order of each tag", _twice(exchange)
        ),
        rule(
            "no execution missed or doubled",
            "executions at the exchange and in the database are equal, one to one",
            [*_unequal(exchange, sides.executions), *_texts(found, _FILLS)],
        ),
        rule(
            "positions are equal",
            "the units of every contract and product",
            _texts(found, {DifferenceKind.POSITION}),
        ),
        rule("funds are equal", "cash before margin", _texts(found, {DifferenceKind.FUNDS})),
        rule("books agree", "a comparison finds nothing different or pending", _unsettled(result)),
        rule(
            "no request over budget",
            "the exchange has let in every request",
            [f"{count} of {name}" for name, count in exchange.over.items() if count],
        ),
        rule(
            "live it was",
            "orders have traded at the exchange",
            [] if exchange.executions else ["none has"],
        ),
    ]


def _texts(
    found: Sequence[Difference], kinds: frozenset[DifferenceKind] | set[DifferenceKind]
) -> list[str]:
    return [
        f"{each.kind} {each.subject}: {each.broker} at the exchange, {each.database} here"
        for each in found
        if each.kind in kinds
    ]


def _twice(exchange: ExchangeState) -> list[str]:
    return [f"{tag}: {count} orders" for tag, count in exchange.orders.items() if count > 1]


def _unequal(exchange: ExchangeState, executions: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(executions).items():
        if count > 1:
            yield f"{name} is booked {count} times"
        if name not in exchange.executions:
            yield f"{name} is not at the exchange"
    for name in exchange.executions.keys() - set(executions):
        yield f"{name} of {exchange.executions[name]} is not booked"


def _unsettled(result: Reconciliation | None) -> list[str]:
    if result is None:
        return ["there was none"]
    return [] if result.agrees else [f"{len(result.differences)} differ, {result.pending} pending"]
