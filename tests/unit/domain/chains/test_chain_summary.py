"""The summary of one chain: what goes over the wire, and what is said of what is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import exp

import msgspec
import numpy as np
import pytest

from angel_x.domain.chains.chain_summary import summarize, volatility_of
from angel_x.domain.chains.option_chain import Readings
from angel_x.domain.chains.summary_record import ExpirySummary
from angel_x.domain.contracts.contract import Right, format_symbol
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.greek import GREEK_FIELDS, GreekField
from angel_x.domain.pricing.greek_columns import absent
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.chains import make_universe

NOW_MS = 1_787_000_000_000
STRIKES = (23_900, 24_000, 24_100, 24_200)
UNIVERSE = make_universe(strikes=STRIKES)
CHAIN = UNIVERSE.chains[0]
ROWS = 2 * len(STRIKES)
SPOT = Decimal(24_000)
#: Those that can be missing.
MEASURES = (
    "forward", "atm_vol", "risk_reversal_25", "butterfly_25", "oi_put_call_ratio",
    "volume_put_call_ratio", "max_pain", "gamma_exposure",
)  # fmt: skip


def readings() -> Readings:
    """Return a chain whose volatility falls by strike and whose wings are near the money."""
    quotes = np.zeros(ROWS, QUOTE)
    quotes["time"], quotes["oi"], quotes["volume"] = NOW_MS - 500, 650, 65
    columns = np.zeros((len(GREEK_FIELDS), ROWS), np.float32)
    columns[GreekField.IMPLIED_VOL] = np.repeat([0.16, 0.15, 0.14, 0.13], 2)
    columns[GreekField.DELTA] = [0.8, -0.2, 0.6, -0.4, 0.4, -0.6, 0.2, -0.8]
    columns[GreekField.GAMMA] = 0.001
    columns[GreekField.FORWARD] = 24_050.0
    columns[GreekField.FORWARD_SOURCE] = ForwardSource.PARITY
    return Readings(quotes, columns, np.full(ROWS, NOW_MS - 2_000))


def summary(found: Readings, spot: Decimal | None = SPOT) -> ExpirySummary:
    return summarize(UNIVERSE, CHAIN, found, spot, NOW_MS)


def test_max_pain_is_a_listed_strike_however_many_digits_it_has() -> None:
    contract = UNIVERSE.contract(0)
    strikes = (Decimal("123456.75"), Decimal("123457.25"))
    universe = Universe(
        replace(
            contract,
            symbol=format_symbol(contract.underlying, contract.expiry, strike, right),
            strike=strike,
            right=right,
        )
        for strike in strikes
        for right in Right
    )
    quotes = np.zeros(4, QUOTE)
    quotes["time"], quotes["oi"] = NOW_MS, [0, 0, 0, 65]
    columns = absent(4)
    columns[GreekField.FORWARD] = 123_456.75

    found = summarize(
        universe, universe.chains[0], Readings(quotes, columns, np.full(4, NOW_MS)), SPOT, NOW_MS
    )

    assert (found.max_pain, found.forward) == (strikes[1], strikes[0])


def test_volatilities_are_read_between_strikes_and_money_is_rupees() -> None:
    found = summary(readings())

    assert (found.forward, found.forward_source) == (Decimal("24050.00"), "parity")
    assert found.atm_vol == pytest.approx(0.145, abs=1e-4)
    # Both wings lie three quarters of the way to the outer strike.
    assert found.risk_reversal_25 == pytest.approx(0.1325 - 0.1575, abs=1e-6)
    assert found.butterfly_25 == pytest.approx(0.145 - (found.atm_vol or 0.0), abs=1e-6)
    assert (found.oi_put_call_ratio, found.volume_put_call_ratio) == (1.0, 1.0)
    assert found.max_pain == Decimal("24000.00")
    assert found.gamma_exposure == 0.0
    assert (found.total_oi, found.call_oi, found.put_oi) == (5_200, 2_600, 2_600)
    assert (found.call_volume, found.put_volume) == (260, 260)
    assert (found.contracts, found.unquoted, found.priced, found.unpriced_oi) == (8, 0, 8, 0)
    assert (found.age_seconds, found.quote_age_seconds) == (2.0, 0.5)
    assert found.reasons == {}


def test_the_smile_is_a_point_a_strike() -> None:
    points = summary(readings()).smile

    assert [(p.strike, p.right, p.implied_vol) for p in points] == [
        (Decimal(23_900), "PE", 0.16),
        (Decimal(24_000), "PE", 0.15),
        (Decimal(24_100), "CE", 0.14),
        (Decimal(24_200), "CE", 0.13),
    ]
    assert [24_050 * exp(p.log_moneyness) for p in points] == pytest.approx(STRIKES, abs=0.01)


def test_every_listed_strike_has_its_open_contracts() -> None:
    partial = readings()
    partial.quotes["oi"] = [650, 0, 0, 130, 65, 65, 0, 0]
    partial.columns[: GreekField.FORWARD, :4] = np.nan

    found = summary(partial).strikes

    assert [(s.strike, s.call_oi, s.put_oi) for s in found] == [
        (Decimal(23_900), 650, 0),
        (Decimal(24_000), 0, 130),
        (Decimal(24_100), 65, 65),
        (Decimal(24_200), 0, 0),
    ]
    # At 24,000 the calls of 23,900 pay 650 x 100, and the puts of 24,100 pay 65 x 100.
    # At 24,200 the calls of both pay, 650 x 300 and 65 x 100.
    assert [s.payout for s in found] == [26_000.0, 71_500.0, 130_000.0, 201_500.0]
    assert [s.gamma_exposure for s in found] == [None, None, 0.0, None]


def test_a_reader_of_the_wire_gets_the_same_summary() -> None:
    for found in (summary(readings()), summary(dark(), None)):
        assert msgspec.json.decode(msgspec.json.encode(found), type=ExpirySummary) == found


def test_a_chain_and_its_summary_agree_on_the_volatility_at_the_money() -> None:
    assert volatility_of(UNIVERSE, CHAIN, readings()) == summary(readings()).atm_vol
    assert volatility_of(UNIVERSE, CHAIN, dark()) is None


def dark() -> Readings:
    return Readings(np.zeros(ROWS, QUOTE), absent(ROWS), np.zeros(ROWS, np.int64))


def test_of_nothing_nothing_is_told_and_every_number_says_why() -> None:
    found = summary(dark(), None)

    assert tuple(found.reasons) == MEASURES
    assert all(getattr(found, name) is None for name in MEASURES)
    assert (found.forward_source, found.smile) == (None, ())
    assert (found.unquoted, found.priced, found.call_oi) == (8, 0, 0)


def test_a_chain_that_was_priced_without_a_forward_says_so() -> None:
    blind = readings()
    blind.columns[: GreekField.STATUS] = np.nan
    blind.columns[GreekField.FORWARD_SOURCE] = ForwardSource.SPOT_CARRY

    found = summary(blind)

    assert found.reasons["forward"] == found.reasons["atm_vol"] == "no_forward"
    assert found.reasons["gamma_exposure"] == "no_gamma"
    assert (found.forward_source, found.unpriced_oi) == (None, 5_200)
    assert found.max_pain == Decimal("24000.00")


def test_without_a_spot_there_is_no_gamma_exposure() -> None:
    found = summary(readings(), None)

    assert found.reasons == {"gamma_exposure": "no_spot"}


def test_open_interest_of_a_row_without_a_quote_counts_as_none_and_is_seen() -> None:
    partial = readings()
    partial.quotes["time"][:2] = 0
    partial.quotes["oi"][2] = -65

    found = summary(partial)

    assert (found.call_oi, found.put_oi, found.unquoted) == (1_300, 1_950, 2)
    assert found.oi_put_call_ratio == 1.5


def test_open_interest_without_greeks_is_left_out_of_the_gamma_and_seen() -> None:
    partial = readings()
    partial.columns[: GreekField.FORWARD, 0] = np.nan

    found = summary(partial)

    # One call of eight contracts is gone, so the puts outweigh by its gamma.
    assert found.gamma_exposure == pytest.approx(-0.001 * 650 * 24_000**2 / 100)
    assert (found.unpriced_oi, found.priced) == (650, 7)


def test_a_chain_of_one_strike_has_neither_middle_nor_wings() -> None:
    universe = make_universe(strikes=(24_100,))
    whole = readings()
    rows = slice(4, 6)
    one = Readings(whole.quotes[rows], whole.columns[:, rows], whole.times[rows])

    found = summarize(universe, universe.chains[0], one, SPOT, NOW_MS)

    assert found.reasons == {
        "atm_vol": "one_sided",
        "risk_reversal_25": "delta_not_reached",
        "butterfly_25": "delta_not_reached",
    }
    assert (found.max_pain, len(found.smile)) == (Decimal("24100.00"), 1)
