"""An option chain as traders draw it: calls, strike, puts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from rich.table import Table

from angel_x.domain.contract import Right
from angel_x.domain.option_chain import ContractGreeks, OptionChain
from angel_x.entrypoints.presentation.indian import decimals, price, rupees
from angel_x.entrypoints.presentation.printing import table

_SIDES = (">IV", ">delta", ">bid", ">ask")


def chain_table(chain: OptionChain, strikes: int) -> Table:
    """Return calls, strike and puts, ``strikes`` on either side of the money."""
    spot = chain.spot or chain.forward
    title = (
        f"{chain.underlying} {chain.expiry:%d %b %Y}  spot {rupees(chain.spot)}  "
        f"forward {rupees(chain.forward)}  lot {chain.lot_size}  "
        f"Greeks {decimals(chain.age_seconds, 1)} s old"
    )
    columns = (*_SIDES, ">CALL    STRIKE    PUT", *reversed(_SIDES))
    pairs = around_the_money(chain.rows, spot, strikes)
    return table(title, columns, (_row(strike, call, put) for strike, call, put in pairs))


def around_the_money(
    rows: Iterable[ContractGreeks], spot: Decimal | None, strikes: int
) -> list[tuple[Decimal, ContractGreeks | None, ContractGreeks | None]]:
    """Return strike, call and put of the strikes that are nearest to ``spot``."""
    pairs = []
    for strike, contracts in groupby(rows, key=lambda row: row.strike):
        sides = {row.right: row for row in contracts}
        pairs.append((strike, sides.get(Right.CALL), sides.get(Right.PUT)))
    if spot is None:
        return pairs
    below = sum(strike <= spot for strike, _, _ in pairs)
    return pairs[max(0, below - strikes) : below + strikes]


def _row(
    strike: Decimal, call: ContractGreeks | None, put: ContractGreeks | None
) -> tuple[str, ...]:
    return (*_side(call), f"{strike:f}".removesuffix(".00"), *reversed(_side(put)))


def _side(row: ContractGreeks | None) -> tuple[str, ...]:
    if row is None:
        return ("-",) * len(_SIDES)
    vol = None if row.implied_vol is None else row.implied_vol * 100
    return decimals(vol, 1), decimals(row.delta, 3), price(row.bid), price(row.ask)
