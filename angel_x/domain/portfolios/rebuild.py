"""Positions, cash, margin and P&L of an account, made again from its history and compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.orders.order import Product
from angel_x.domain.portfolios.history import History


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """The stored state of an account beside the sums of its ledger and margins, in rupees."""

    id: int
    name: str
    cash: Decimal
    margin_used: Decimal
    realised_pnl: Decimal
    ledger_cash: Decimal
    ledger_pnl: Decimal
    #: Margin of the underlyings and reserves of orders.
    held_margin: Decimal


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """A stored open position."""

    symbol: str
    product: Product
    quantity: int
    cost: Decimal


def differences(
    stored: StoredAccount, held: Sequence[StoredPosition], history: History
) -> Iterator[str]:
    """Yield each stored value that differs from the rebuilt one, with both."""
    pairs = {
        "cash": (stored.cash, stored.ledger_cash),
        "margin_used": (stored.margin_used, stored.held_margin),
        "realised_pnl": (stored.realised_pnl, history.realised_pnl),
        "realised_pnl of the ledger": (stored.ledger_pnl, history.realised_pnl),
    }
    for name, (kept, rebuilt) in pairs.items():
        if kept != rebuilt:
            yield f"{stored.name}: {name} is stored as {kept}, rebuilt as {rebuilt}"
    kept_positions = {(p.symbol, p.product): (p.quantity, p.cost) for p in held}
    folded = {k: (p.quantity, p.cost) for k, p in history.positions.items() if not p.is_flat}
    for place in sorted(kept_positions.keys() | folded.keys()):
        if kept_positions.get(place) != folded.get(place):
            yield (
                f"{stored.name}: {place[0]} {place[1]} is stored as {_shown(kept_positions.get(place))}, "
                f"rebuilt as {_shown(folded.get(place))}"
            )


def _shown(position: tuple[int, Decimal] | None) -> str:
    return "flat" if position is None else f"{position[0]} units that cost {position[1]}"
