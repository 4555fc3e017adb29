"""Records of contracts from the boards of quotes and Greeks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from angel_x.domain.chains.chain_record import ContractGreeks, WatchedContract
from angel_x.domain.contracts.contract import Contract
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.greek import GREEK_FIELDS, GREEK_NAMES, GreekField
from angel_x.domain.pricing.greek_columns import with_futures
from angel_x.domain.pricing.pricing_status import status_name
from angel_x.domain.values.money import rupees, to_paisa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

_SOURCES = {source.value: source.name.lower() for source in ForwardSource}


@dataclass(frozen=True, slots=True)
class Readings:
    """The quotes and Greeks of some rows from the boards: one entry, or one column, for each row."""

    quotes: NDArray[np.void]
    columns: NDArray[np.float32]
    #: Request time of the Greeks, epoch milliseconds; zero where there are none.
    times: NDArray[np.int64]

    def part(self, start: int, stop: int) -> Readings:
        """Return the readings of the rows ``start:stop`` of these."""
        return self.at(slice(start, stop))

    def at(self, rows: slice | NDArray[np.int64]) -> Readings:
        """Return the readings of some rows of these."""
        return Readings(self.quotes[rows], self.columns[:, rows], self.times[rows])


def contract_greeks(
    universe: Universe, rows: Sequence[int], readings: Readings, now_ms: int
) -> tuple[ContractGreeks, ...]:
    """Return the record of each row from its readings; ``now_ms`` is the wall clock."""
    return tuple(
        ContractGreeks(
            **_fields(contract, quote, greeks),
            age_seconds=_age(as_of_ms, now_ms),
            quote_age_seconds=_age(quote[0], now_ms),
        )
        for contract, quote, greeks, as_of_ms in _each(universe, rows, readings)
    )


def watched_contracts(
    universe: Universe, rows: Sequence[int], readings: Readings
) -> tuple[WatchedContract, ...]:
    """Return the record of each row from its readings."""
    return tuple(
        WatchedContract(
            **_fields(contract, quote, greeks),
            greeks_as_of=time_of(as_of_ms),
            quoted_at=time_of(quote[0]),
        )
        for contract, quote, greeks, as_of_ms in _each(universe, rows, readings)
    )


def time_of(time_ms: int) -> datetime | None:
    """Return the time of epoch milliseconds, None for zero."""
    return datetime.fromtimestamp(time_ms / 1000.0, UTC) if time_ms else None


def _each(
    universe: Universe, rows: Sequence[int], readings: Readings
) -> Iterator[tuple[Contract, tuple[int, ...], dict[str, float], int]]:
    """Yield contract, quote, Greeks by field and request time of each row."""
    are_futures = np.array(rows, np.int64) >= universe.option_count
    quoted_at = readings.quotes["time"]
    greeks, times = with_futures(readings.columns, readings.times, quoted_at, are_futures)
    columns = zip(rows, readings.quotes.tolist(), greeks.T.tolist(), times.tolist(), strict=True)
    contracts = universe.contracts
    for row, quote, values, as_of_ms in columns:
        yield contracts[row], quote, dict(zip(GREEK_FIELDS, values, strict=True)), as_of_ms


def oldest_age(times: NDArray[np.int64], now_ms: int) -> float | None:
    """Return seconds since the oldest known time; None where no time is known."""
    known = times[times > 0]
    return _age(int(known.min()), now_ms) if known.size else None


def forward_of(columns: NDArray[np.float32]) -> Decimal | None:
    """Return the common forward of the rows of one chain, in rupees."""
    forwards = columns[GreekField.FORWARD]
    known = forwards[np.isfinite(forwards)]
    return _price(float(known[0])) if known.size else None


def forward_source_of(columns: NDArray[np.float32]) -> str | None:
    """Return the source of the forward of one chain."""
    known = np.isfinite(columns[GreekField.FORWARD])
    sources = columns[GreekField.FORWARD_SOURCE, known]
    return _source(float(sources[0])) if sources.size else None


def spot_of(quote: np.void) -> Decimal | None:
    """Return the last price of an underlying in rupees."""
    return _rupees(int(quote["last"]))


def age_of(quote: np.void, now_ms: int) -> float | None:
    """Return seconds since the receipt of a quote."""
    return _age(int(quote["time"]), now_ms)


def _fields(contract: Contract, quote: tuple[int, ...], greeks: dict[str, float]) -> dict[str, Any]:
    """Return the fields that every record of a contract has."""
    received, bid, ask, last, _, _, oi, volume = quote
    forward = _price(greeks["forward"])
    return {
        "symbol": contract.symbol,
        "strike": contract.strike,
        "right": contract.right,
        "expiry": contract.expiry,
        "bid": _rupees(bid),
        "ask": _rupees(ask),
        "last": _rupees(last),
        "oi": oi if received else None,
        "volume": volume if received else None,
        "implied_vol": shortest(greeks["implied_vol"]),
        **{name: shortest(greeks[name]) for name in GREEK_NAMES},
        "price": _price(greeks["price"]),
        "forward": forward,
        # Without a forward the stored source is the last one tried, and is not shown.
        "forward_source": None if forward is None else _source(greeks["forward_source"]),
        "status": status_name(greeks["status"]),
    }


def shortest(value: float) -> float | None:
    """Return a number rounded to seven digits, the precision of float32; None for NaN."""
    return float(f"{value:.7g}") if isfinite(value) else None


def _source(code: float) -> str | None:
    return _SOURCES.get(int(code)) if isfinite(code) else None


def _price(value: float) -> Decimal | None:
    # Not rounded to seven digits: float32 holds the paise of a forward above a lakh.
    return to_paisa(Decimal(value)) if isfinite(value) else None


def _rupees(paise: int) -> Decimal | None:
    return rupees(paise) if paise else None


def _age(time_ms: int, now_ms: int) -> float | None:
    # Clocks of two machines differ by milliseconds; a negative age is shown as zero.
    return max(0, now_ms - time_ms) / 1000.0 if time_ms else None
