"""Chains and their summaries from quotes and Greeks in a real cache."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.domain.chains.chain_pricing import price_chains
from angel_x.domain.pricing.greek_columns import to_edge_units
from angel_x.errors import UnknownContract
from angel_x.services.pricing.option_chain import OptionChains
from tests.builders.chains import (
    EXPIRIES,
    FORWARD,
    MARKET_TIME,
    VOLATILITY,
    fair_quotes,
    make_universe,
    market_rows,
    spot_quotes,
)
from tests.builders.markets import CALENDAR
from tests.builders.recorders import FixedUniverse

if TYPE_CHECKING:
    from redis import Redis

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
NIFTY = UNIVERSE.underlyings.index("NIFTY")
NOW = datetime(2026, 11, 23, 10, 0, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


@dataclass(frozen=True)
class Desk:
    chains: OptionChains
    cache: Redis

    def read_calls(self) -> int:
        """Return how often anything was read from the cache so far."""
        stats: dict[str, Any] = self.cache.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("get", "mget"))


@pytest.fixture
def desk(cache: Redis) -> Desk:
    """A desk at which every chain but the last of NIFTY is published."""
    quotes = RedisQuoteBoard(cache, ttl_seconds=60)
    quotes.write(
        UNIVERSE, np.arange(len(UNIVERSE)), fair_quotes(UNIVERSE, received_ms=NOW_MS - 500)
    )
    spots = spot_quotes(UNIVERSE)
    spots["time"] = NOW_MS - 250
    quotes.write_spots(UNIVERSE, spots)
    board = RedisGreeksBoard(cache, ttl_seconds=30)
    stop = UNIVERSE.chains[-2].stop
    raw = price_chains(UNIVERSE, 0, len(UNIVERSE), market_rows(UNIVERSE)).greeks
    board.write(UNIVERSE, 0, to_edge_units(raw)[:, :stop], NOW_MS - 2_000)
    return Desk(
        OptionChains(
            universes=FixedUniverse(UNIVERSE),
            quotes=quotes,
            read_greeks=board.read_rows,
            clock=lambda: NOW,
            market_clock=lambda: MARKET_TIME,
            is_provisional=CALENDAR.is_provisional,
        ),
        cache,
    )


def test_a_chain_says_what_its_forward_and_volatility_are_and_how_old(desk: Desk) -> None:
    chain = desk.chains.chain("NIFTY")

    assert chain.forward == pytest.approx(Decimal(FORWARD), abs=Decimal("0.1"))
    assert chain.forward_source == "parity"
    assert chain.atm_vol == pytest.approx(VOLATILITY, abs=1e-4)
    assert (chain.age_seconds, chain.spot_age_seconds) == (2.0, 0.25)
    row = chain.rows[0]
    assert (row.age_seconds, row.quote_age_seconds, row.forward_source) == (2.0, 0.5, "parity")
    names = ("vanna", "volga", "charm", "speed")
    assert all(isinstance(getattr(row, name), float) for name in names)


def test_a_chain_that_is_not_published_has_quotes_and_no_volatility(desk: Desk) -> None:
    chain = desk.chains.chain("NIFTY", EXPIRIES[1])

    assert (chain.forward, chain.forward_source, chain.atm_vol) == (None, None, None)
    assert {(row.status, row.forward_source) for row in chain.rows} == {("unpublished", None)}
    assert [row.bid is not None for row in chain.rows] == [True] * 42


def test_the_summary_has_every_expiry_with_what_is_published_of_it(desk: Desk) -> None:
    summary = desk.chains.summary("NIFTY")

    assert (summary.underlying, summary.spot, summary.lot_size) == ("NIFTY", Decimal(24_000), 65)
    near, far = summary.expiries
    assert (near.expiry, far.expiry) == EXPIRIES
    assert near.reasons == {}
    assert near.atm_vol == pytest.approx(VOLATILITY, abs=1e-4)
    assert near.risk_reversal_25 == pytest.approx(0.0, abs=1e-3)
    assert (near.age_seconds, near.quote_age_seconds) == (2.0, 0.5)
    assert near.oi_put_call_ratio == 1.0
    assert near.max_pain == Decimal(24_000)
    chain = UNIVERSE.chains[2 * NIFTY]
    assert [point.strike for point in near.smile] == sorted(
        {UNIVERSE.contract(row).strike for row in range(chain.start, chain.stop)}
    )
    assert {point.right for point in near.smile if point.log_moneyness < 0} == {"PE"}
    assert far.age_seconds is None
    assert far.reasons["atm_vol"] == "unpublished"
    assert far.reasons["gamma_exposure"] == "no_gamma"
    assert (far.max_pain, far.oi_put_call_ratio, far.smile) == (Decimal(24_000), 1.0, ())
    assert far.unpriced_oi == far.call_oi + far.put_oi


def test_gamma_exposure_is_in_rupees_of_the_spot_for_one_percent(desk: Desk) -> None:
    rows = desk.chains.chain("NIFTY").rows
    (near,) = desk.chains.summary("NIFTY", EXPIRIES[0]).expiries

    signed = [(1 if r.right == "CE" else -1) * (r.gamma or 0.0) * (r.oi or 0) for r in rows]
    size = sum(map(abs, signed)) * 24_000.0**2 / 100

    assert near.gamma_exposure == pytest.approx(sum(signed) * 24_000.0**2 / 100, abs=1e-6 * size)


def test_a_summary_of_one_expiry_is_that_of_all_of_them(desk: Desk) -> None:
    every = desk.chains.summary("NIFTY")

    assert tuple(each.expiry for each in every.expiries) == EXPIRIES
    for expected in every.expiries:
        (found,) = desk.chains.summary("NIFTY", expected.expiry).expiries
        assert found == expected


def test_without_any_quote_nothing_is_a_number_and_all_say_why(desk: Desk) -> None:
    desk.cache.flushdb()

    summary = desk.chains.summary("BANKNIFTY")

    assert (summary.spot, summary.spot_age_seconds) == (None, None)
    assert tuple(each.expiry for each in summary.expiries) == EXPIRIES
    for expiry in summary.expiries:
        assert len(expiry.reasons) == 8
        assert expiry.reasons == {
            "forward": "unpublished",
            "atm_vol": "unpublished",
            "risk_reversal_25": "unpublished",
            "butterfly_25": "unpublished",
            "oi_put_call_ratio": "calls_are_zero",
            "volume_put_call_ratio": "calls_are_zero",
            "max_pain": "no_open_interest",
            "gamma_exposure": "no_open_interest",
        }
        assert all(getattr(expiry, name) is None for name in expiry.reasons)
        assert (expiry.unquoted, expiry.priced) == (expiry.contracts, 0)
        assert (expiry.age_seconds, expiry.quote_age_seconds) == (None, None)


def test_contracts_of_any_chains_are_read_together_and_the_unlisted_left_out(desk: Desk) -> None:
    wanted = ["NIFTY_25AUG26_24000PE", "BANKNIFTY_01SEP26_23500CE", "NIFTY_25AUG26_24000CE"]
    expected = {row.symbol: row for row in desk.chains.chain("NIFTY").rows}
    before = desk.read_calls()

    found = desk.chains.contracts([*wanted, "NIFTY_18AUG26_24000CE", wanted[0]])

    assert desk.read_calls() - before == 2
    assert list(found) == wanted
    assert found[wanted[0]] == expected[wanted[0]]
    assert found[wanted[2]] == expected[wanted[2]]
    assert found[wanted[1]].status == "ok"
    assert desk.chains.contracts(["NOSUCH"]) == {}


def test_an_answer_takes_one_read_of_each_board(desk: Desk) -> None:
    desk.chains.chain("NIFTY")
    before = desk.read_calls()

    desk.chains.chain("NIFTY")
    assert desk.read_calls() - before == 2

    desk.chains.summary("NIFTY")
    assert desk.read_calls() - before == 4


@pytest.mark.parametrize(
    ("underlying", "expiry"), [("SENSEX", None), ("", None), ("NIFTY", date(2026, 8, 26))]
)
def test_an_unknown_summary_is_an_error(desk: Desk, underlying: str, expiry: date | None) -> None:
    with pytest.raises(UnknownContract):
        desk.chains.summary(underlying, expiry)
