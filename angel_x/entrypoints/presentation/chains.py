"""Option chains in the layout of traders: calls, strike, puts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from rich.table import Table

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.contracts.contract import Right
from angel_x.domain.pricing.greek import GREEK_NAMES, GREEKS, Greek
from angel_x.entrypoints.presentation.indian import decimals, price, rupees
from angel_x.entrypoints.presentation.printing import table

_LAKH = 1e5
_DELTA = GREEKS[GREEK_NAMES.index("delta")]
_SIDES = (">OI lakh", ">IV", ">delta", ">bid", ">ask")


def chain_table(chain: OptionChain, strikes: int) -> Table:
    """Return calls, strike and puts, ``strikes`` on either side of the money."""
    columns = (*_SIDES, ">C STRIKE P", *reversed(_SIDES))
    pairs = _shown(chain, strikes)
    rows = (_row(strike, call, put) for strike, call, put in pairs)
    made = table(_title(chain), columns, rows, is_tight=True)
    made.caption = without_volatility(chain.rows)
    return made


def greeks_table(chain: OptionChain, strikes: int) -> Table:
    """Return one line for each contract, with every Greek, its age and its status."""
    greeks = (f">{greek.name}" for greek in GREEKS)
    columns = ("contract", ">bid", ">ask", ">OI lakh", ">IV", *greeks, ">age s", "status")
    contracts = (row for _, *sides in _shown(chain, strikes) for row in sides if row is not None)
    return table(_title(chain), columns, map(_line, contracts), is_tight=True)


def written(greek: Greek, value: float | None) -> str:
    """Write a Greek with the digits that its table gives it."""
    if greek.places is not None:
        return decimals(value, greek.places)
    return "-" if value is None else f"{value:.1e}"


def vol_points(volatility: float | None, places: int = 1) -> str:
    """Write a volatility in points: 0.1405 is 14.1."""
    return decimals(None if volatility is None else volatility * 100, places)


def in_lakh(units: int | None) -> str:
    return decimals(None if units is None else units / _LAKH, 2)


def without_volatility(rows: Iterable[ContractGreeks]) -> str | None:
    """Return the number of contracts without a volatility, by status."""
    counts = Counter(row.status for row in rows if row.implied_vol is None)
    listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"without a volatility in the whole chain: {listed}" if listed else None


def forward_with_source(forward: Decimal | None, source: str | None) -> str:
    """Write a forward with its source."""
    return rupees(forward) if source is None else f"{rupees(forward)} ({source})"


def aged(noun: str, age_seconds: float | None) -> str:
    """Write a noun with its age, or that there is none."""
    return f"no {noun}" if age_seconds is None else f"{noun} {age_seconds:.1f} s old"


def _title(chain: OptionChain) -> str:
    mark = " (provisional)" if chain.expiry in chain.provisional_expiries else ""
    return (
        f"{chain.underlying} {chain.expiry:%d %b %Y}{mark}  spot {rupees(chain.spot)}  "
        f"forward {forward_with_source(chain.forward, chain.forward_source)}  "
        f"ATM vol {vol_points(chain.atm_vol)}  lot {chain.lot_size}  "
        f"{aged('Greeks', chain.age_seconds)}"
    )


def _shown(
    chain: OptionChain, strikes: int
) -> list[tuple[Decimal, ContractGreeks | None, ContractGreeks | None]]:
    return around_the_money(chain.rows, chain.spot or chain.forward, strikes)


def around_the_money(
    rows: Iterable[ContractGreeks], spot: Decimal | None, strikes: int
) -> list[tuple[Decimal, ContractGreeks | None, ContractGreeks | None]]:
    """Return strike, call and put of the strikes nearest to ``spot``."""
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
    return (
        in_lakh(row.oi),
        vol_points(row.implied_vol),
        written(_DELTA, row.delta),
        price(row.bid),
        price(row.ask),
    )


def _line(row: ContractGreeks) -> tuple[str, ...]:
    return (
        row.symbol,
        price(row.bid),
        price(row.ask),
        in_lakh(row.oi),
        vol_points(row.implied_vol),
        *(written(greek, getattr(row, greek.name)) for greek in GREEKS),
        decimals(row.age_seconds, 1),
        row.status,
    )
