"""An account at a past moment: positions from its history, worth by the marks of then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.book.ledger import paid_cost
from angel_x.domain.book.position import Position
from angel_x.domain.orders.order import Product
from angel_x.domain.portfolios.history import AccountMove, History
from angel_x.domain.values.money import ZERO, to_paisa

_AVERAGE = Decimal("0.0001")


class PastMarkSource(StrEnum):
    #: The last snapshot of the portfolio before the moment.
    SNAPSHOT = "snapshot"
    #: The last fill of the account in the contract: no snapshot had held it yet.
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class PastSnapshot:
    """The last snapshot of an account before a moment."""

    at: datetime
    margin_used: Decimal
    #: Rupees a unit, by contract.
    marks: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPosition:
    """An open position at a past moment; money is in rupees."""

    symbol: str
    product: Product
    #: Units, negative where they were short.
    quantity: int
    average_price: Decimal
    cost: Decimal
    realised_pnl: Decimal
    mark: Decimal
    mark_source: PastMarkSource
    unrealised_pnl: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPortfolio:
    """An account at a past moment; money is in rupees, P&L before charges."""

    at: datetime
    cash: Decimal
    #: Cash, every open option at its mark, and the open P&L of futures.
    equity: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    #: Margin that stood at the snapshot; None where there is none.
    margin_used: Decimal | None
    #: The time of the last snapshot, whose marks and margin these are.
    snapshot_at: datetime | None
    positions: tuple[PastPosition, ...]


def portfolio_at(
    at: datetime, moves: Iterable[AccountMove], cash: Decimal, snapshot: PastSnapshot | None
) -> PastPortfolio:
    """Return an account at a moment; ``moves`` are all before it, oldest first."""
    history, last = History(), dict[str, Decimal]()
    for realised in history.fold(moves):
        last[realised.move.symbol] = realised.move.price
    marks = {} if snapshot is None else snapshot.marks
    held = (p for p in history.positions.values() if not p.is_flat)
    positions = tuple(
        _past(p, marks, last) for p in sorted(held, key=lambda p: (p.symbol, p.product))
    )
    unrealised = sum((p.unrealised_pnl for p in positions), ZERO)
    return PastPortfolio(
        at=at,
        cash=cash,
        equity=cash + sum((paid_cost(p.symbol, p.cost) for p in positions), ZERO) + unrealised,
        realised_pnl=history.realised_pnl,
        unrealised_pnl=unrealised,
        margin_used=None if snapshot is None else snapshot.margin_used,
        snapshot_at=None if snapshot is None else snapshot.at,
        positions=positions,
    )


def _past(
    position: Position, marks: Mapping[str, Decimal], last: Mapping[str, Decimal]
) -> PastPosition:
    is_marked = position.symbol in marks
    mark = marks[position.symbol] if is_marked else last[position.symbol]
    return PastPosition(
        symbol=position.symbol,
        product=position.product,
        quantity=position.quantity,
        average_price=(position.cost / position.quantity).quantize(_AVERAGE),
        cost=position.cost,
        realised_pnl=position.realised_pnl,
        mark=mark,
        mark_source=PastMarkSource.SNAPSHOT if is_marked else PastMarkSource.FILL,
        unrealised_pnl=to_paisa(mark * position.quantity - position.cost),
    )
