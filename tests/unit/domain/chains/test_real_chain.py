"""The pricing of a recorded NIFTY chain, where spot-based models are off by vol points."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.calendar.session import IST, TradingCalendar
from angel_x.domain.chains.chain_pricing import MarketRows, price_chains
from angel_x.domain.contracts.contract import Right, format_symbol
from angel_x.domain.contracts.contract_rules import ContractRules
from angel_x.domain.feed.chain_file import parse_chain
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.greek import GreekField
from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.pricing.pricing_status import MarketStatus
from angel_x.domain.quotes.quote import QUOTE, mid_paise
from config.market import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.feed.market_move import MarketMove
    from angel_x.domain.feed.replay import RecordedChain

pytestmark = pytest.mark.reference

RATE = 0.065
EXCHANGE_RATE = 0.10
RECEIVED_MS = 1_000
FULL_DAY = "nifty_option_chain_20260819.csv.gz"
#: How far from the spot a strike is called near, as a fraction, and how often it must have traded.
NEAR = 0.02
LIQUID_LOTS = 1000
#: Rows of the full recording.
QUOTED = 46_502
#: Near enough to the spot that an in-the-money option still says something of its volatility.
NEAREST = 0.01


def read_recording(path: Path) -> RecordedChain:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rules = ContractRules.from_table(table("contracts"))
    calendar = TradingCalendar.from_table(table("sessions"))
    return parse_chain(text.decode().splitlines(), path.name, rules, calendar)


@dataclass(frozen=True)
class Pass:
    """One snapshot, priced."""

    universe: Universe
    at: datetime
    market: MarketRows
    columns: NDArray[np.float64]

    @property
    def is_solved(self) -> NDArray[np.bool_]:
        flags: NDArray[np.bool_] = self.columns[GreekField.STATUS] == IvStatus.OK
        return flags

    @property
    def marks(self) -> NDArray[np.float64]:
        return mid_paise(self.market.quotes) / 100

    def is_near(self, width: float) -> NDArray[np.bool_]:
        """Return which rows are that near to the spot and traded often enough to be believed."""
        spot = self.market.spots["last"][0] / 100
        is_liquid = self.market.quotes["volume"] > LIQUID_LOTS * self.universe.lot_size
        flags: NDArray[np.bool_] = np.abs(np.log(self.universe.strike / spot)) < width
        return flags & is_liquid


def passes(recording: RecordedChain, model: PricingModel = PricingModel.BLACK76) -> Iterator[Pass]:
    universe = recording.universe
    for snapshot in recording.snapshots:
        market = rows_of(universe, snapshot)
        if model is PricingModel.EXCHANGE:
            market = replace(market, rate=EXCHANGE_RATE)
        priced = price_chains(universe, 0, len(universe), market, model=model)
        yield Pass(universe, snapshot.at, market, priced.greeks)


def published_volatilities(path: Path) -> dict[tuple[str, str], float]:
    """Return the volatility in percent that the exchange published, by minute and symbol."""
    with gzip.open(path, "rt") as lines:
        return {
            (
                row["timestamp"],
                format_symbol(
                    "NIFTY",
                    datetime.strptime(row["expiry"], "%d-%b-%Y").replace(tzinfo=IST).date(),
                    Decimal(int(float(row["strike"]))),
                    Right(row["option_type"]),
                ),
            ): float(row["iv"])
            for row in csv.DictReader(lines)
        }


@pytest.fixture(scope="module", params=["_1308.csv", ".csv.gz"])
def recording(request: pytest.FixtureRequest, reference_folder: Path) -> RecordedChain:
    return read_recording(reference_folder / f"nifty_option_chain_20260819{request.param}")


def rows_of(universe: Universe, snapshot: MarketMove) -> MarketRows:
    quotes = np.zeros(len(universe), QUOTE)
    quotes[snapshot.rows] = snapshot.quotes
    quotes["time"][snapshot.rows] = RECEIVED_MS
    spots = snapshot.spots.copy()
    spots["time"] = RECEIVED_MS
    return MarketRows(quotes, spots, snapshot.at.timestamp(), RATE)


def side_gaps(found: Pass) -> NDArray[np.float64]:
    """Return by how many vol points call and put of each liquid strike near the money differ."""
    universe = found.universe
    usable = found.is_near(NEAR) & found.is_solved
    calls = np.flatnonzero(universe.is_call[:-1] & usable[:-1] & usable[1:])
    calls = calls[universe.strike[calls] == universe.strike[calls + 1]]
    volatility = found.columns[GreekField.IMPLIED_VOL]
    gaps: NDArray[np.float64] = np.abs(volatility[calls] - volatility[calls + 1]) * 100
    return gaps


def test_call_and_put_of_a_strike_share_one_volatility(recording: RecordedChain) -> None:
    gaps = [side_gaps(found) for found in passes(recording)]

    assert np.median(np.concatenate(gaps)) <= 0.1


@pytest.mark.parametrize("model", PricingModel)
def test_every_row_with_a_volatility_reprices_to_its_quote(
    recording: RecordedChain, model: PricingModel
) -> None:
    solved = 0
    for found in passes(recording, model):
        ok = found.is_solved
        prices = found.columns[GreekField.PRICE, ok]
        np.testing.assert_allclose(prices, found.marks[ok], rtol=0, atol=1e-9)
        numbers = np.isfinite(found.columns[GreekField.IMPLIED_VOL : GreekField.FORWARD])
        from_twin = found.columns[GreekField.STATUS] == MarketStatus.FROM_TWIN
        assert (numbers == (ok | from_twin)).all()
        solved += int(ok.sum())

    quoted = sum(len(snapshot.rows) for snapshot in recording.snapshots)
    assert solved > 0.9 * quoted


def test_every_quote_of_a_day_has_a_volatility_or_lies_below_its_payoff(
    reference_folder: Path,
) -> None:
    recording = read_recording(reference_folder / FULL_DAY)
    codes = np.concatenate([found.columns[GreekField.STATUS] for found in passes(recording)])
    sources = {
        code
        for found in passes(recording)
        for code in found.columns[GreekField.FORWARD_SOURCE].tolist()
    }

    count = {status: int((codes == status).sum()) for status in np.unique(codes)}
    assert sum(count.values()) - count[MarketStatus.NO_QUOTE] == QUOTED
    assert set(count) == {
        IvStatus.OK,
        MarketStatus.NO_QUOTE,
        MarketStatus.FROM_TWIN,
        IvStatus.BELOW_INTRINSIC,
    }
    assert count[IvStatus.OK] > 44_500
    assert count[IvStatus.BELOW_INTRINSIC] < 10
    assert sources == {ForwardSource.PARITY}


def test_the_volatilities_that_the_exchange_publishes_are_found_by_its_convention(
    reference_folder: Path,
) -> None:
    recording = read_recording(reference_folder / FULL_DAY)
    published = published_volatilities(reference_folder / FULL_DAY)
    gaps: list[list[float]] = [[] for _ in recording.universe.chains]
    symbols = list(recording.universe.symbols)
    for found in passes(recording, PricingModel.EXCHANGE):
        minute = found.at.astimezone(IST).strftime("%Y%m%d%H%M")
        theirs = np.array([published.get((minute, symbol), 0.0) for symbol in symbols])
        compared = found.is_near(NEAREST) & found.is_solved & (theirs > 0.0)
        gap = np.abs(found.columns[GreekField.IMPLIED_VOL] * 100 - theirs)
        for row in np.flatnonzero(compared).tolist():
            gaps[recording.universe.chain_index[row]].append(gap[row])

    assert sum(map(len, gaps)) > 4_000
    assert np.mean(np.concatenate(gaps)) < 0.25
    for of_expiry in gaps[:2]:
        assert np.mean(of_expiry) < 0.25
