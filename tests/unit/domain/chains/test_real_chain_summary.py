"""The summary of a recorded NIFTY chain against the rows of its file, walked one by one."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from angel_x.domain.chains.chain_pricing import price_chains
from angel_x.domain.chains.chain_summary import summarize
from angel_x.domain.chains.option_chain import Readings
from angel_x.domain.chains.summary_record import ExpirySummary
from angel_x.domain.feed.chain_file import parse_chain
from angel_x.domain.pricing.greek_columns import to_edge_units
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.markets import CALENDAR, RULES
from tests.unit.domain.chains.test_real_chain import rows_of

pytestmark = pytest.mark.reference

NOW_MS = 1_787_000_000_000
#: Units in a lot of NIFTY; the file counts lots.
LOT = 65


@dataclass(frozen=True)
class Recorded:
    rows: list[dict[str, str]]
    summaries: list[ExpirySummary]

    def of(self, summary: ExpirySummary) -> list[dict[str, str]]:
        name = f"{summary.expiry:%d-%b-%Y}"
        return [row for row in self.rows if row["expiry"] == name]


@pytest.fixture(scope="module")
def recorded(reference_folder: Path) -> Recorded:
    text = (reference_folder / "nifty_option_chain_20260819_1308.csv").read_text()
    recording = parse_chain(text.splitlines(), "chain.csv", RULES, CALENDAR)
    universe, (snapshot,) = recording.universe, recording.snapshots
    quotes = np.zeros(len(universe), QUOTE)
    quotes[snapshot.rows] = snapshot.quotes
    quotes["time"][snapshot.rows] = NOW_MS
    priced = price_chains(universe, 0, len(universe), rows_of(universe, snapshot))
    times = np.full(len(universe), NOW_MS)
    readings = Readings(quotes, to_edge_units(priced.greeks), times)
    spot = Decimal(int(snapshot.spots["last"][0])) / 100
    summaries = [
        summarize(universe, chain, readings.part(chain.start, chain.stop), spot, NOW_MS)
        for chain in universe.chains
    ]
    return Recorded(list(csv.DictReader(text.splitlines())), summaries)


def total(rows: list[dict[str, str]], column: str, right: str) -> float:
    return sum(float(row[column]) for row in rows if row["option_type"] == right)


def test_ratios_and_open_interest_are_those_of_the_file(recorded: Recorded) -> None:
    assert len(recorded.summaries) == 4
    assert recorded.summaries
    for found in recorded.summaries:
        rows = recorded.of(found)
        calls, puts = (total(rows, "oi", right) for right in ("CE", "PE"))
        assert (found.call_oi, found.put_oi) == (calls * LOT, puts * LOT)
        assert found.total_oi == found.call_oi + found.put_oi
        assert found.oi_put_call_ratio == pytest.approx(puts / calls, rel=1e-6)
        traded = total(rows, "volume", "PE") / total(rows, "volume", "CE")
        assert found.volume_put_call_ratio == pytest.approx(traded, rel=1e-6)


def test_no_other_strike_pays_less_than_max_pain(recorded: Recorded) -> None:
    assert recorded.summaries
    for found in recorded.summaries:
        contracts = [
            (float(r["strike"]), 1 if r["option_type"] == "CE" else -1, float(r["oi"]))
            for r in recorded.of(found)
        ]
        payouts = {
            settlement: sum(max(0.0, s * (settlement - k)) * oi for k, s, oi in contracts)
            for settlement in sorted({strike for strike, _, _ in contracts})
        }
        assert found.max_pain == Decimal(min(payouts, key=payouts.__getitem__))


def test_the_volatility_at_the_money_lies_between_the_published_ones(recorded: Recorded) -> None:
    assert recorded.summaries
    for found in recorded.summaries:
        assert found.forward is not None
        assert found.atm_vol is not None
        # Those are of spot and a flat rate, which puts call and put points apart around the truth.
        nearest = min(
            {float(r["strike"]) for r in recorded.of(found)},
            key=lambda strike: abs(strike - float(found.forward or 0)),
        )
        published = [float(r["iv"]) for r in recorded.of(found) if float(r["strike"]) == nearest]
        assert min(published) - 0.1 <= found.atm_vol * 100 <= max(published) + 0.1


def test_the_smile_of_a_week_is_whole_and_skewed_to_the_puts(recorded: Recorded) -> None:
    week = recorded.summaries[0]
    strikes = {Decimal(r["strike"]) for r in recorded.of(week)}

    assert {point.strike for point in week.smile} == strikes
    assert week.reasons == {}
    assert week.risk_reversal_25 is not None
    assert week.risk_reversal_25 < 0
