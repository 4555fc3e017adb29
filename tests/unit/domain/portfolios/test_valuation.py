from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.book.account import Account
from angel_x.domain.calendar.expiry import years_to_expiry
from angel_x.domain.chains.chain_pricing import price_chains
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.portfolios.valuation import Market, PositionColumns, locate, value_accounts
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.greek import GREEK_FIELDS, GreekField
from angel_x.domain.pricing.greek_columns import absent, to_edge_units
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.chains import (
    EXPIRIES,
    FORWARD,
    MARKET_TIME,
    RATE,
    SPOT,
    VOLATILITY,
    make_universe,
    market_rows,
    spot_quotes,
)

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
CALL, PUT = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24000PE"
BANK_CALL = "BANKNIFTY_25AUG26_24000CE"
AT = datetime(2026, 11, 23, tzinfo=UTC)
#: The Greeks were asked for four seconds earlier.
AS_OF_MS = int(AT.timestamp() * 1000) - 4_000


def account(user_id: int) -> Account:
    return Account(user_id, Decimal(100_000), Decimal(5_000), Decimal(30_000), Decimal("12.34"))


def market(symbols: Sequence[str], quote: tuple[int, int, int] = (9_995, 10_000, 9_990)) -> Market:
    """Every symbol quoted the same, with the Greeks of a known forward and volatility."""
    rows = locate(UNIVERSE, symbols).rows
    quotes = np.zeros(len(rows), QUOTE)
    quotes["time"], (quotes["bid"], quotes["ask"], quotes["last"]) = 1, quote
    years = years_to_expiry(UNIVERSE.expires_at[rows], MARKET_TIME.timestamp())
    raw = np.zeros((len(GREEK_FIELDS), len(rows)))
    raw[GreekField.IMPLIED_VOL], raw[GreekField.FORWARD] = VOLATILITY, FORWARD
    model = greeks(
        FORWARD,
        UNIVERSE.strike[rows],
        years,
        RATE,
        RATE,
        VOLATILITY,
        UNIVERSE.is_call[rows],
        extended=True,
    )
    for name, values in model.items():
        raw[GreekField[name.upper()]] = values
    times = np.full(len(rows), AS_OF_MS)
    spots = spot_quotes(UNIVERSE)
    return Market(quotes, to_edge_units(raw), times, spots, MARKET_TIME.timestamp(), RATE)


def value(
    positions: Sequence[tuple[int, str, int, int]], of_market: Market | None = None, users: int = 1
) -> list[Portfolio]:
    """Value positions (owner, symbol, quantity, cost in paise)."""
    symbols = [symbol for _, symbol, _, _ in positions]
    columns = np.array([(o, q, c) for o, _, q, c in positions], np.int64).reshape(-1, 3)
    holdings = PositionColumns(columns[:, 0], symbols, columns[:, 1], columns[:, 2])
    located = locate(UNIVERSE, symbols)
    accounts = [account(user_id) for user_id in range(1, users + 1)]
    found = market(symbols) if of_market is None else of_market
    return value_accounts(accounts, holdings, UNIVERSE, located, found, AT)


def test_a_position_is_worth_the_middle_of_bid_and_ask_to_the_half_paisa() -> None:
    [portfolio] = value([(0, CALL, 65, 600_000)])

    # 65 units at 99.975 rupees are 6498.375, which cost 6000.
    assert portfolio.unrealised_pnl == Decimal("498.38")
    assert portfolio.equity == Decimal(105_000) + Decimal("6498.38")
    assert portfolio.free_balance == Decimal(75_000)
    assert portfolio.realised_pnl == Decimal("12.34")
    assert (portfolio.stale_positions, portfolio.unpriced_positions) == (0, 0)


def test_a_short_position_gains_when_its_mark_falls() -> None:
    [portfolio] = value([(0, CALL, -65, -700_000)])

    assert portfolio.unrealised_pnl == Decimal("501.63")
    assert portfolio.equity == Decimal(105_000) - Decimal("6498.38")


def test_the_last_price_marks_where_one_side_is_missing() -> None:
    [portfolio] = value([(0, CALL, 65, 600_000)], market([CALL], (0, 10_000, 9_990)))

    assert portfolio.unrealised_pnl == Decimal("493.50")


def test_a_position_without_a_quote_is_carried_at_cost_and_flagged() -> None:
    [portfolio] = value([(0, CALL, 65, 600_000)], market([CALL], (0, 0, 0)))

    assert portfolio.unrealised_pnl == Decimal("0.00")
    assert portfolio.equity == Decimal(111_000)
    assert portfolio.stale_positions == 1


def test_a_position_in_an_unlisted_contract_is_carried_at_cost_and_flagged() -> None:
    positions = [(0, "NIFTY_18AUG26_24000CE", 65, 600_000), (0, CALL, 65, 649_800)]

    [portfolio] = value(positions)

    assert (portfolio.open_positions, portfolio.stale_positions) == (2, 1)
    assert portfolio.unpriced_positions == 1
    assert portfolio.unrealised_pnl == Decimal("0.38")
    assert list(portfolio.greeks) == ["NIFTY"]


def test_an_account_without_positions_is_worth_its_cash_and_collateral() -> None:
    [portfolio] = value([])

    assert portfolio.equity == Decimal(105_000)
    assert portfolio.greeks == {}
    assert all(profit == 0 for row in portfolio.scenarios.profit for profit in row)


def test_each_account_gets_its_own_positions_only() -> None:
    first, second, third = value(
        [(0, CALL, 65, 649_800), (2, CALL, 130, 1_299_600), (2, PUT, 65, 0)], users=3
    )

    assert [p.user_id for p in (first, second, third)] == [1, 2, 3]
    assert [p.open_positions for p in (first, second, third)] == [1, 0, 2]
    assert first.unrealised_pnl == Decimal("0.38")
    assert second.unrealised_pnl == Decimal("0.00")
    assert third.unrealised_pnl == Decimal("0.75") + Decimal("6498.38")


def test_a_large_book_is_summed_to_the_paisa() -> None:
    # Beyond 2**53 half paise a float would lose the last digit.
    [portfolio] = value([(0, CALL, 1, 2**53 + 1), (0, CALL, 1, 0)])

    assert portfolio.unrealised_pnl == Decimal(2 * 19_995 - 2 * (2**53 + 1)) / 200


def test_net_greeks_are_sums_by_underlying_in_edge_units() -> None:
    positions = [(0, CALL, 65, 0), (0, PUT, -130, 0), (0, BANK_CALL, 35, 0)]

    [portfolio] = value(positions)

    call, put = (market([symbol]).greeks[:, 0].astype(float) for symbol in (CALL, PUT))
    expected = 65 * call - 130 * put
    net = portfolio.greeks["NIFTY"]
    for name in ("delta", "gamma", "vega", "theta", "rho", "vanna", "volga", "charm"):
        total = expected[GreekField[name.upper()]]
        assert getattr(net, name) == pytest.approx(total, abs=1e-5), name
    bank = market([BANK_CALL]).greeks[GreekField.DELTA, 0]
    assert portfolio.greeks["BANKNIFTY"].delta == pytest.approx(35 * bank, abs=1e-5)


def test_net_greeks_of_many_accounts_equal_those_of_a_walk_through_their_positions() -> None:
    rng = np.random.default_rng(7)
    symbols = [*UNIVERSE.symbols, "NIFTY_18AUG26_24000CE"]
    held = [
        (int(rng.integers(20)), symbols[rng.integers(len(symbols))], int(rng.integers(-9, 10)), 0)
        for _ in range(300)
    ]
    held.sort(key=lambda position: position[0])
    found = market([symbol for _, symbol, _, _ in held])
    found.greeks[:, ::7] = np.nan
    found.times[:] = AS_OF_MS - rng.integers(1, 10**6, found.times.size)

    portfolios = value(held, found, users=20)

    column = {
        row: i for i, row in enumerate(locate(UNIVERSE, [symbol for _, symbol, _, _ in held]).rows)
    }
    assert len(portfolios) == 20
    assert sum(len(portfolio.greeks) for portfolio in portfolios) >= 20
    for owner, portfolio in enumerate(portfolios):
        charm: dict[str, float] = {}
        oldest: dict[str, int] = {}
        unpriced = 0
        for _, symbol, quantity, _ in (position for position in held if position[0] == owner):
            row = UNIVERSE.row(symbol)
            if row is None or np.isnan(found.greeks[GreekField.CHARM, column[row]]):
                unpriced += 1
                continue
            name, place = symbol.partition("_")[0], column[row]
            each = float(found.greeks[GreekField.CHARM, place])
            charm[name] = charm.get(name, 0.0) + quantity * each
            oldest[name] = min(oldest.get(name, AS_OF_MS), int(found.times[place]))
        assert portfolio.unpriced_positions == unpriced
        assert {n: net.charm for n, net in portfolio.greeks.items()} == pytest.approx(
            charm, abs=1e-6
        )
        moments = {n: datetime.fromtimestamp(t / 1000, UTC) for n, t in oldest.items()}
        assert {n: net.as_of for n, net in portfolio.greeks.items()} == moments
        assert portfolio.greeks_as_of == min(moments.values(), default=None)


def test_delta_and_gamma_are_told_in_rupees_of_the_spot() -> None:
    [portfolio] = value([(0, CALL, 65, 0)])

    net = portfolio.greeks["NIFTY"]
    assert net.delta_rupees == pytest.approx(net.delta * SPOT, abs=0.01)
    # One percent of the spot moves delta by gamma times that, and each unit is worth the spot.
    assert net.gamma_rupees == pytest.approx(net.gamma * SPOT / 100 * SPOT, rel=1e-6)


def test_without_a_spot_nothing_is_told_in_rupees() -> None:
    blind = market([CALL])
    blind.spots["last"] = 0

    [portfolio] = value([(0, CALL, 65, 0)], blind)

    net = portfolio.greeks["NIFTY"]
    assert (net.delta_rupees, net.gamma_rupees) == (None, None)
    assert net.delta > 0


def test_the_age_of_the_oldest_greeks_is_part_of_the_answer() -> None:
    positions = [(0, CALL, 65, 0), (0, PUT, 65, 0), (0, BANK_CALL, 35, 0), (1, BANK_CALL, 35, 0)]
    found = market([symbol for _, symbol, _, _ in positions])
    # By row: that of BANKNIFTY comes first.
    found.times[:] = [AS_OF_MS, AS_OF_MS - 60_000, AS_OF_MS - 30_000]

    first, second, third = value(positions, found, users=3)

    assert first.greeks_age_seconds == 64.0
    assert first.greeks["NIFTY"].as_of == AT - timedelta(seconds=64)
    assert first.greeks["BANKNIFTY"].as_of == AT - timedelta(seconds=4)
    assert second.greeks_age_seconds == 4.0
    assert (third.greeks_as_of, third.greeks_age_seconds) == (None, None)


def test_an_answer_of_later_is_older_and_one_of_a_clock_behind_is_not_negative() -> None:
    [portfolio] = value([(0, CALL, 65, 0)])

    assert portfolio.at(AT + timedelta(seconds=9)).greeks_age_seconds == 13.0
    assert portfolio.at(AT - timedelta(hours=1)).greeks_age_seconds == 0.0


def test_a_position_without_greeks_is_left_out_of_the_sums_and_counted() -> None:
    blind = replace(market([CALL]), greeks=absent(1))

    [portfolio] = value([(0, CALL, 65, 0)], blind)

    assert portfolio.unpriced_positions == 1
    assert portfolio.stale_positions == 0
    assert portfolio.greeks == {}
    assert all(profit == 0 for row in portfolio.scenarios.profit for profit in row)


def test_a_scenario_is_a_full_repricing() -> None:
    [portfolio] = value([(0, CALL, 65, 0), (0, PUT, -65, 0)])

    grid = portfolio.scenarios
    assert list(grid.spot_percent) == [-3, -2, -1, 0, 1, 2, 3]
    assert list(grid.vol_percent) == [-20, 0, 20]
    years = years_to_expiry(
        np.array([UNIVERSE.expires_at[UNIVERSE.rows[CALL]]]), MARKET_TIME.timestamp()
    )
    # By parity call minus put is the discounted forward less the strike, whatever the volatility.
    expected = 65 * FORWARD * 0.02 * np.exp(-RATE * years[0])
    assert grid.profit[5] == pytest.approx([expected] * 3, rel=1e-6)
    assert list(grid.profit[3]) == [0, 0, 0]


@pytest.mark.parametrize("model", PricingModel)
def test_scenarios_count_time_as_the_published_greeks_do(model: PricingModel) -> None:
    # An hour before expiry, where the exchange's website still counts a day.
    at = datetime(2026, 8, 25, 9, 10, tzinfo=UTC)
    universe = make_universe(expiries=EXPIRIES[:1])
    rows = market_rows(universe, at)
    columns = to_edge_units(price_chains(universe, 0, len(universe), rows, model=model).greeks)
    located = locate(universe, [CALL])
    published = columns[:, located.rows]
    times = np.full(1, AS_OF_MS)
    found = Market(rows.quotes[located.rows], published, times, rows.spots, rows.at, RATE, model)
    held = PositionColumns(
        np.zeros(1, np.int64), [CALL], np.ones(1, np.int64), np.zeros(1, np.int64)
    )

    (portfolio,) = value_accounts([account(1)], held, universe, located, found, AT)

    vega, vol = published[GreekField.VEGA, 0], published[GreekField.IMPLIED_VOL, 0]
    unmoved = portfolio.scenarios.profit[3]
    assert unmoved[2] - unmoved[0] == pytest.approx(float(vega * vol * 40.0), rel=0.01, abs=0.02)


def test_a_long_option_gains_with_volatility_in_every_spot_scenario() -> None:
    [portfolio] = value([(0, PUT, 65, 0)])

    assert all(low < middle < high for low, middle, high in portfolio.scenarios.profit)
    assert portfolio.scenarios.profit[3][1] == 0
