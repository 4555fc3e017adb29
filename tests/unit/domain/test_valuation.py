from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.account import Account
from angel_x.domain.expiry import years_to_expiry
from angel_x.domain.greek_columns import GREEK_FIELDS, GreekField, absent, to_edge_units
from angel_x.domain.portfolio import Portfolio
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.quote import QUOTE
from angel_x.domain.valuation import Holdings, Market, locate, value_accounts
from tests.builders.chains import FORWARD, MARKET_TIME, RATE, VOLATILITY, make_universe

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
CALL, PUT = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24000PE"
BANK_CALL = "BANKNIFTY_25AUG26_24000CE"
AT = datetime(2026, 11, 23, tzinfo=UTC)


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
        FORWARD, UNIVERSE.strike[rows], years, RATE, RATE, VOLATILITY, UNIVERSE.is_call[rows]
    )
    for name, values in model.items():
        raw[GreekField[name.upper()]] = values
    return Market(quotes, to_edge_units(raw), MARKET_TIME.timestamp(), RATE)


def value(
    positions: Sequence[tuple[int, str, int, int]], of_market: Market | None = None, users: int = 1
) -> list[Portfolio]:
    """Value positions (owner, symbol, quantity, cost in paise)."""
    symbols = [symbol for _, symbol, _, _ in positions]
    columns = np.array([(o, q, c) for o, _, q, c in positions], np.int64).reshape(-1, 3)
    holdings = Holdings(columns[:, 0], symbols, columns[:, 1], columns[:, 2])
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
    fields = (GreekField.DELTA, GreekField.GAMMA, GreekField.VEGA, GreekField.THETA)
    assert astuple(portfolio.greeks["NIFTY"]) == pytest.approx(expected[list(fields)], abs=1e-5)
    bank = market([BANK_CALL]).greeks[GreekField.DELTA, 0]
    assert portfolio.greeks["BANKNIFTY"].delta == pytest.approx(35 * bank, abs=1e-5)


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


def test_a_long_option_gains_with_volatility_in_every_spot_scenario() -> None:
    [portfolio] = value([(0, PUT, 65, 0)])

    assert all(low < middle < high for low, middle, high in portfolio.scenarios.profit)
    assert portfolio.scenarios.profit[3][1] == 0
