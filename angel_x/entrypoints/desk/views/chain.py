"""The option chain by strike: calls on the left, puts on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
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


class _SideFacts(NamedTuple):
    """All that the cells of one side of a strike are written from."""

    symbol: str
    held: int
    in_money: bool
    oi: int | None
    volume: int | None
    vol: float | None
    delta: float | None
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    is_old: bool
    quote_age: str
    greeks_age: str
    status: str


class _RowFacts(NamedTuple):
    """All that a row is written from."""

    strike: Decimal
    is_nearest: bool
    call: _SideFacts | None
    put: _SideFacts | None


class ChainRows:
    """The rows of one table; of a strike whose facts are those of the rows before, the same row.

    Of a chain that moves most contracts stand still from one look to the next, and a row costs more
    to write than to compare.
    """

    def __init__(self) -> None:
        self._written: dict[_RowFacts, Row] = {}

    def of(
        self, chain: OptionChain, positions: Sequence[PositionRecord], *, most: int
    ) -> list[Row]:
        """Return a row for each strike, that nearest to the money marked."""
        held = _held(positions)
        pairs, middle = around_the_money(chain, most), money(chain)
        nearest = (
            min(pairs, key=lambda pair: abs(pair.strike - middle), default=None)
            if middle is not None
            else None
        )
        written: dict[_RowFacts, Row] = {}
        for pair in pairs:
            facts = _RowFacts(
                strike=pair.strike,
                is_nearest=pair is nearest,
                call=_facts(pair.call, held, in_money=middle is not None and pair.strike < middle),
                put=_facts(pair.put, held, in_money=middle is not None and pair.strike > middle),
            )
            written[facts] = self._written.get(facts) or _row(facts)
        self._written = written
        return list(written.values())


def _held(positions: Sequence[PositionRecord]) -> Mapping[str, int]:
    units_by_symbol: dict[str, int] = {}
    for position in positions:
        symbol = position.symbol
        units_by_symbol[symbol] = units_by_symbol.get(symbol, 0) + position.quantity
    return units_by_symbol


def _facts(
    row: ContractGreeks | None, held: Mapping[str, int], *, in_money: bool
) -> _SideFacts | None:
    if row is None:
        return None
    return _SideFacts(
        symbol=row.symbol,
        held=held.get(row.symbol, 0),
        in_money=in_money,
        oi=row.oi,
        volume=row.volume,
        vol=row.implied_vol,
        delta=row.delta,
        last=row.last,
        bid=row.bid,
        ask=row.ask,
        is_old=row.quote_age_seconds is None or row.quote_age_seconds > _OLD_QUOTE,
        quote_age=_in_steps(row.quote_age_seconds),
        greeks_age=_in_steps(row.age_seconds),
        status=row.status,
    )


def _row(facts: _RowFacts) -> Row:
    # Bid and ask stand beside the strike on both sides, bid first.
    *outer, bid, ask = _side(facts.put)
    strike = f"{facts.strike.normalize():f}"
    return Row(
        id=f"{facts.strike:f}",
        cells=(*_side(facts.call), strike, bid, ask, *reversed(outer)),
        tone="ax-atm" if facts.is_nearest else "",
    )


def _side(facts: _SideFacts | None) -> tuple[Cell, ...]:
    if facts is None:
        return ("",) * 8
    shade = "ax-itm" if facts.in_money else ""
    known = "" if facts.status == "ok" else f", {facts.status.replace('_', ' ')}"
    about = f"Greeks {facts.greeks_age} old{known}"
    texts = (
        units(facts.oi),
        units(facts.volume),
        percent(facts.vol),
        decimal(facts.delta, 2),
        price(facts.last),
    )
    tone = Tone.MUTED if facts.is_old else Tone.PLAIN
    words = f"{facts.symbol}, quote {facts.quote_age} old"
    return (
        _units_held(facts.held),
        *([text, shade, about] for text in texts),
        *(cell(Text(price(each), tone, words)) for each in (facts.bid, facts.ask)),
    )


def _units_held(number: int) -> Cell:
    if not number:
        return ""
    text = signed_units(number)
    return [text.text, f"ax-held {text.tone}", text.title]


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
