"""The option chain by strike: calls on the left, puts on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.chains.option_chain import ContractGreeks, OptionChain
from angel_x.domain.contracts.contract import Right
from angel_x.domain.records.statement import PositionRecord
from angel_x.entrypoints.desk.views.table import Cell, Column, Row, cell
from angel_x.entrypoints.desk.views.words import (
    Text,
    Tone,
    age,
    decimal,
    percent,
    price,
    signed_units,
    units,
)

BUY_CALL, SELL_CALL, BUY_PUT, SELL_PUT = "Buy call", "Sell call", "Buy put", "Sell put"
_OI = "Open interest in units"
_HELD = "Units of this account"

COLUMNS = (
    Column(name="call_held", label="Held", title=_HELD, is_vital=False),
    Column(name="call_oi", label="OI", title=_OI, is_vital=False),
    Column(name="call_volume", label="Volume", is_vital=False),
    Column(name="call_vol", label="IV", title="Implied volatility in percent"),
    Column(name="call_delta", label="Delta", is_vital=False),
    Column(name="call_last", label="Last", is_vital=False),
    Column(name="call_bid", label="Bid", title="A click sells at the bid", act=SELL_CALL),
    Column(name="call_ask", label="Ask", title="A click buys at the ask", act=BUY_CALL),
    Column(name="symbol", label="Strike"),
    Column(name="put_bid", label="Bid", title="A click sells at the bid", act=SELL_PUT),
    Column(name="put_ask", label="Ask", title="A click buys at the ask", act=BUY_PUT),
    Column(name="put_last", label="Last", is_vital=False),
    Column(name="put_delta", label="Delta", is_vital=False),
    Column(name="put_vol", label="IV", title="Implied volatility in percent"),
    Column(name="put_volume", label="Volume", is_vital=False),
    Column(name="put_oi", label="OI", title=_OI, is_vital=False),
    Column(name="put_held", label="Held", title=_HELD, is_vital=False),
)
#: Seconds from which a quote is shown as old.
_OLD_QUOTE = 10.0


@dataclass(frozen=True, slots=True)
class StrikePair:
    """The call and the put of one strike; one of them may not be listed."""

    strike: Decimal
    call: ContractGreeks | None
    put: ContractGreeks | None


def strike_pairs(chain: OptionChain) -> list[StrikePair]:
    """Return the strikes of a chain in ascending order."""
    found: dict[Decimal, dict[Right | None, ContractGreeks]] = {}
    for row in chain.rows:
        found.setdefault(row.strike, {})[row.right] = row
    return [
        StrikePair(strike, rights.get(Right.CALL), rights.get(Right.PUT))
        for strike, rights in sorted(found.items())
    ]


def around_the_money(chain: OptionChain, most: int) -> list[StrikePair]:
    """Return the strikes nearest to the forward, or all where it is unknown."""
    pairs, middle = strike_pairs(chain), money(chain)
    if middle is None or len(pairs) <= most:
        return pairs
    nearest = sorted(pairs, key=lambda pair: abs(pair.strike - middle))[:most]
    return sorted(nearest, key=lambda pair: pair.strike)


def money(chain: OptionChain) -> Decimal | None:
    """Return the forward, else the spot."""
    return chain.spot if chain.forward is None else chain.forward


def chain_rows(chain: OptionChain, positions: Sequence[PositionRecord], *, most: int) -> list[Row]:
    """Return a row for each strike, that nearest to the money marked."""
    held = _held(positions)
    pairs, middle = around_the_money(chain, most), money(chain)
    nearest = (
        min(pairs, key=lambda pair: abs(pair.strike - middle), default=None)
        if middle is not None
        else None
    )
    return [
        Row(
            id=f"{pair.strike:f}",
            cells=_cells(pair, held, middle),
            tone="ax-atm" if pair is nearest else "",
        )
        for pair in pairs
    ]


def _held(positions: Sequence[PositionRecord]) -> Mapping[str, int]:
    units_by_symbol: dict[str, int] = {}
    for position in positions:
        symbol = position.symbol
        units_by_symbol[symbol] = units_by_symbol.get(symbol, 0) + position.quantity
    return units_by_symbol


def _cells(pair: StrikePair, held: Mapping[str, int], middle: Decimal | None) -> tuple[Cell, ...]:
    calls = _side(pair.call, held, in_money=middle is not None and pair.strike < middle)
    puts = _side(pair.put, held, in_money=middle is not None and pair.strike > middle)
    # Bid and ask stand beside the strike on both sides, bid first.
    *outer, bid, ask = puts
    return (*calls, f"{pair.strike.normalize():f}", bid, ask, *reversed(outer))


def _side(
    row: ContractGreeks | None, held: Mapping[str, int], *, in_money: bool
) -> tuple[Cell, ...]:
    if row is None:
        return ("",) * 8
    shade = "ax-itm" if in_money else ""
    texts = (
        units(row.oi),
        units(row.volume),
        percent(row.implied_vol),
        decimal(row.delta, 2),
        price(row.last),
    )
    return (
        _units_held(held.get(row.symbol, 0)),
        *([text, shade, _about(row)] for text in texts),
        _quote(price(row.bid), row),
        _quote(price(row.ask), row),
    )


def _units_held(number: int) -> Cell:
    if not number:
        return ""
    text = signed_units(number)
    return [text.text, f"ax-held {text.tone}", text.title]


def _quote(text: str, row: ContractGreeks) -> Cell:
    is_old = row.quote_age_seconds is None or row.quote_age_seconds > _OLD_QUOTE
    words = f"{row.symbol}, quote {_in_steps(row.quote_age_seconds)} old"
    return cell(Text(text, Tone.MUTED if is_old else Tone.PLAIN, words))


def _about(row: ContractGreeks) -> str:
    known = "" if row.status == "ok" else f", {row.status.replace('_', ' ')}"
    return f"Greeks {_in_steps(row.age_seconds)} old{known}"


def _in_steps(seconds: float | None) -> str:
    """Write an age; young ones alike, so that cells that do not move are not sent again."""
    young = seconds is not None and seconds <= _OLD_QUOTE
    return f"at most {_OLD_QUOTE:.0f} s" if young else age(seconds)


def summary(chain: OptionChain) -> list[tuple[str, str]]:
    """Return names and values of the line above the chain."""
    source = f" ({chain.forward_source.replace('_', ' ')})" if chain.forward_source else ""
    return [
        ("Spot", price(chain.spot)),
        ("Forward", f"{price(chain.forward)}{source}"),
        ("ATM vol", percent(chain.atm_vol)),
        ("Lot", units(chain.lot_size)),
        ("Quotes", f"spot {age(chain.spot_age_seconds)} old"),
        ("Greeks", f"{age(chain.age_seconds)} old"),
    ]
