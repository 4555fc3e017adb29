"""Margin of a batch of orders against a book of positions, beside the formula anew for every order.

All contracts are options on one index with known risks, as between two reads of the risk arrays.  Both
variants answer every order with the requirement after it, in whole steps, and agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.margin_pool import Change, MarginPool, MarginPools
from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.chains.chain_pricing import MarketRows, price_chains
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.chain_generator import generate_chain
from angel_x.domain.margin.margin import RiskRows
from angel_x.domain.margin.span import span_table
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import RiskSheet, to_rupees
from angel_x.domain.pricing.kernels import NUMPY
from angel_x.domain.quotes.quote import QUOTE
from angel_x.pricing import greeks
from benchmarks.rows import Row, interleaved
from config.market import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSITIONS, ORDERS = 200, 50
ANEW, RUNNING = "anew for every order", "running sums"
_USER, _UNDERLYING, _SPOT, _RATE = 1, "NIFTY", 24_000, 0.065
_NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
_SEED = 20261123


@dataclass(frozen=True, slots=True)
class Batch:
    """A book, orders that rest one after the other, and the risks of their contracts."""

    sheet: RiskSheet
    exposures: Sequence[Exposure]
    orders: Sequence[tuple[str, Change]]


def margin_row(rounds: int) -> Row:
    """Measure the processor time of one batch."""
    batch = make_batch()
    return Row(
        name=f"margin of {ORDERS} orders in a book of {POSITIONS} positions",
        unit="µs",
        reference=ANEW,
        measured=RUNNING,
        samples=interleaved(
            rounds,
            {
                ANEW: lambda _: _microseconds(lambda: anew(batch)),
                RUNNING: lambda _: _microseconds(lambda: running(batch)),
            },
        ),
    )


def make_batch(positions: int = POSITIONS, orders: int = ORDERS) -> Batch:
    """Return options of all expiries, a lot or two on either side; the orders are in some of them too."""
    sheet = _risks()
    random = np.random.default_rng(_SEED)
    # Half of the orders are in contracts that are held.
    symbols = random.permutation(list(sheet)).tolist()[: positions + orders // 2]
    lots = 65 * random.choice([-2, -1, 1, 2], len(symbols))
    held = zip(symbols[:positions], lots.tolist(), strict=False)
    return Batch(
        sheet,
        [Exposure(_USER, symbol, net_quantity=units) for symbol, units in held],
        [
            (symbol, Change(sells=65) if number % 2 else Change(buys=65))
            for number, symbol in enumerate(symbols[-orders:])
        ],
    )


def running(batch: Batch) -> list[Decimal]:
    """Return the requirement after each order, by the sums that an order changes."""
    pool = MarginPools(sheet=batch.sheet).of(_USER, _UNDERLYING, batch.exposures)
    return [_shifted(pool, symbol, change) for symbol, change in batch.orders]


def _shifted(pool: MarginPool, symbol: str, change: Change) -> Decimal:
    pool.shift(symbol, change)
    return pool.held


def anew(batch: Batch) -> list[Decimal]:
    """Return the same by array passes over the whole book for every order."""
    book = _Columns(batch)
    return [to_rupees(required) for required in book.requirements(batch.orders)]


class _Columns:
    """The contracts of a batch, one entry each; amounts in steps are below 2**53, so floats are exact."""

    def __init__(self, batch: Batch) -> None:
        held = {exposure.symbol: exposure.net_quantity for exposure in batch.exposures}
        symbols = list(dict.fromkeys([*held, *(symbol for symbol, _ in batch.orders)]))
        units = [batch.sheet[symbol] for symbol in symbols]
        expiries = {expiry: place for place, expiry in enumerate({u.expiry for u in units})}
        self._place = {symbol: place for place, symbol in enumerate(symbols)}
        self._losses = np.array([u.losses for u in units], np.float64).T
        self._mark = np.array([u.mark for u in units], np.float64)
        self._charge = np.array([u.charge for u in units], np.float64)
        self._spread = np.array([u.spread for u in units], np.float64)
        self._expiries = len(expiries)
        self._expiry = np.array([expiries[u.expiry] for u in units])
        self._net = np.array([held.get(symbol, 0) for symbol in symbols], np.float64)
        self._buys, self._sells = np.zeros((2, len(symbols)))

    def requirements(self, orders: Sequence[tuple[str, Change]]) -> Iterator[int]:
        for symbol, change in orders:
            place = self._place[symbol]
            self._buys[place] += change.buys
            self._sells[place] += change.sells
            yield self._required()

    def _required(self) -> int:
        worst = self._net - self._sells
        scan = max(0.0, float((self._losses @ worst).max()))
        needs = scan + self._calendar() - float(self._mark @ worst)
        return int(max(0.0, needs) + float(self._charge @ np.maximum(-worst, 0.0)))

    def _calendar(self) -> float:
        up, down = np.maximum(self._spread, 0.0), np.maximum(-self._spread, 0.0)
        net = self._by_expiry(self._net * self._spread)
        high = np.maximum(net + self._by_expiry(self._buys * up + self._sells * down), 0.0)
        low = np.maximum(self._by_expiry(self._buys * down + self._sells * up) - net, 0.0)
        either = np.maximum(high, low)
        return float(min(high.sum(), low.sum(), either.sum() - either.max()))

    def _by_expiry(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.zeros(self._expiries)
        sums += np.bincount(self._expiry, amounts)
        return sums


def _risks() -> RiskSheet:
    """Return the risks of the listed options of an index that trade at a volatility of 14 %."""
    today = _NOW.date()
    contracts = ContractFactory(
        ContractRules.from_table(table("contracts")),
        TradingCalendar.from_table(table("sessions")),
        today,
    )
    universe = Universe(generate_chain(contracts, _UNDERLYING, Decimal(_SPOT)))
    expiries = [chain.expiry for chain in universe.chains for _ in range(chain.start, chain.stop)]
    arrays = price_chains(universe, 0, len(universe), _market(universe, today), NUMPY).risk
    rows = RiskRows(
        [_UNDERLYING] * len(universe),
        expiries,
        [Decimal(_SPOT)] * len(universe),
        arrays.astype(np.float32),
        np.ones(len(universe), np.bool_),
    )
    model = SpanMargin.from_tables(table("margin"), table("volatility"))
    units = zip(universe.symbols, model.unit_risks(rows, today), strict=True)
    return {symbol: unit for symbol, unit in units if unit.is_known and not unit.is_last_day}


def _market(universe: Universe, today: date) -> MarketRows:
    years = (universe.expires_at - _NOW.timestamp()) / (365 * 86_400)
    prices = greeks(_SPOT, universe.strike, years, _RATE, _RATE, 0.14, universe.is_call)["price"]
    quotes, spots = np.zeros(len(universe), QUOTE), np.zeros(len(universe.underlyings), QUOTE)
    quotes["time"] = spots["time"] = 1
    quotes["last"], spots["last"] = np.rint(prices * 100), 100 * _SPOT
    span = span_table(table("margin"), table("volatility")).on(today)
    return MarketRows(quotes, spots, _NOW.timestamp(), _RATE, span=span)


def _microseconds(work: Callable[[], object]) -> float:
    started = time.process_time_ns()
    work()
    return (time.process_time_ns() - started) / 1e3
