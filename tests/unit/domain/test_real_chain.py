"""The pricing of a recorded NIFTY chain, where spot-based models are off by vol points."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.chain_file import parse_chain
from angel_x.domain.chain_pricing import MarketRows, price_chains
from angel_x.domain.contract_rules import ContractRules
from angel_x.domain.greek_columns import GreekField
from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.quote import QUOTE, mid_paise
from angel_x.domain.session import TradingCalendar
from config.market import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.market_move import MarketMove
    from angel_x.domain.replay import RecordedChain
    from angel_x.domain.universe import Universe

pytestmark = pytest.mark.reference

RATE = 0.065
#: How far from the spot a strike is called near, as a fraction, and how often it must have traded.
NEAR = 0.02
LIQUID_LOTS = 1000


def read_recording(path: Path) -> RecordedChain:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rules = ContractRules.from_table(table("contracts"))
    calendar = TradingCalendar.from_table(table("sessions"))
    return parse_chain(text.decode().splitlines(), path.name, rules, calendar)


@pytest.fixture(scope="module", params=["_1308.csv", ".csv.gz"])
def recording(request: pytest.FixtureRequest, reference_folder: Path) -> RecordedChain:
    return read_recording(reference_folder / f"nifty_option_chain_20260819{request.param}")


def rows_of(universe: Universe, snapshot: MarketMove) -> MarketRows:
    quotes = np.zeros(len(universe), QUOTE)
    quotes[snapshot.rows] = snapshot.quotes
    return MarketRows(quotes, snapshot.spots, snapshot.at.timestamp(), RATE)


def side_gaps(
    universe: Universe, market: MarketRows, columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how many vol points call and put of each liquid strike near the money differ."""
    spot = market.spots["last"][0] / 100
    near = np.abs(np.log(universe.strike / spot)) < NEAR
    liquid = market.quotes["volume"] > LIQUID_LOTS * universe.lot_size
    usable = near & liquid & (columns[GreekField.STATUS] == IvStatus.OK)
    calls = np.flatnonzero(universe.is_call[:-1] & usable[:-1] & usable[1:])
    calls = calls[universe.strike[calls] == universe.strike[calls + 1]]
    volatility = columns[GreekField.IMPLIED_VOL]
    gaps: NDArray[np.float64] = np.abs(volatility[calls] - volatility[calls + 1]) * 100
    return gaps


def test_call_and_put_of_a_strike_share_one_volatility(recording: RecordedChain) -> None:
    gaps = []
    for snapshot in recording.snapshots:
        market = rows_of(recording.universe, snapshot)
        columns = price_chains(recording.universe, 0, len(recording.universe), market)
        gaps.append(side_gaps(recording.universe, market, columns))

    assert np.median(np.concatenate(gaps)) <= 0.1


def test_every_row_with_a_volatility_reprices_to_its_quote(recording: RecordedChain) -> None:
    solved = 0
    for snapshot in recording.snapshots:
        market = rows_of(recording.universe, snapshot)
        columns = price_chains(recording.universe, 0, len(recording.universe), market)
        ok = columns[GreekField.STATUS] == IvStatus.OK
        marks = mid_paise(market.quotes[ok]) / 100
        np.testing.assert_allclose(columns[GreekField.PRICE, ok], marks, rtol=1e-9, atol=1e-9)
        assert np.isnan(columns[GreekField.IMPLIED_VOL : GreekField.FORWARD, ~ok]).all()
        solved += int(ok.sum())

    quoted = sum(len(snapshot.rows) for snapshot in recording.snapshots)
    assert solved > 0.9 * quoted
