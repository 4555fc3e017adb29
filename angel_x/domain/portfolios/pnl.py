"""Realised P&L of an account by day, underlying or tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.portfolios.history import AccountMove, History
from angel_x.domain.values.money import ZERO


class CostConvention(StrEnum):
    """The units that a closing fill takes."""

    #: All held units alike: that of the book and of every stored amount.
    AVERAGE_COST = "average_cost"
    #: The oldest ones: that of tax returns in India.
    FIFO = "fifo"


class PnlGroup(StrEnum):
    DAY = "day"
    UNDERLYING = "underlying"
    TAG = "tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlRow:
    """The P&L of one group, in rupees."""

    #: The day, the underlying or the tag of the closing order; empty without a tag.
    key: str
    #: Before charges: the closed units at the average cost of the held units.
    realised_average_cost: Decimal
    #: Before charges: the oldest units closed first.
    realised_fifo: Decimal
    #: Of every fill and exercise of the group, opening ones included.
    charges: Decimal
    net_average_cost: Decimal
    net_fifo: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlReport:
    """Rows by key, and their sum; amounts are named by their convention."""

    by: PnlGroup
    #: The convention of positions, trades and the ledger.
    book_convention: CostConvention = CostConvention.AVERAGE_COST
    rows: tuple[PnlRow, ...]
    total: PnlRow


@dataclass(slots=True)
class _Sums:
    average_cost: Decimal = ZERO
    fifo: Decimal = ZERO
    charges: Decimal = ZERO

    def row(self, key: str) -> PnlRow:
        return PnlRow(
            key=key,
            realised_average_cost=self.average_cost,
            realised_fifo=self.fifo,
            charges=self.charges,
            net_average_cost=self.average_cost - self.charges,
            net_fifo=self.fifo - self.charges,
        )


def report(
    moves: Iterable[AccountMove],
    tariff: Tariff,
    by: PnlGroup,
    *,
    since: date = date.min,
    until: date = date.max,
) -> PnlReport:
    """Return the P&L of the days from ``since`` to ``until``; ``moves`` are the whole history.

    Raises:
        LookupError: No charges are known for a day.
    """
    sums: dict[str, _Sums] = {}
    total = _Sums()
    for realised in History().fold(moves):
        move = realised.move
        if not since <= move.day <= until:
            continue
        charges = charges_of(move, tariff)
        for group in (sums.setdefault(_key(move, by), _Sums()), total):
            group.average_cost += realised.average_cost
            group.fifo += realised.fifo
            group.charges += charges
    rows = tuple(sums[key].row(key) for key in sorted(sums))
    return PnlReport(by=by, rows=rows, total=total.row("total"))


def charges_of(move: AccountMove, tariff: Tariff) -> Decimal:
    """Return the charges of a move in rupees.

    Raises:
        LookupError: No charges are known for its day.
    """
    if move.charges is not None:
        return move.charges
    after = move.traded_before + move.price * move.quantity
    rates = tariff.of(move.symbol, move.day)
    return rates.on_fill(move.side, move.traded_before, after)


def _key(move: AccountMove, by: PnlGroup) -> str:
    match by:
        case PnlGroup.DAY:
            return move.day.isoformat()
        case PnlGroup.UNDERLYING:
            return underlying_of(move.symbol)
        case PnlGroup.TAG:
            return move.tag or ""
