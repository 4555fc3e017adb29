from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.portfolios import PostgresPortfolios
from angel_x.adapters.postgres.reading import PostgresStatements
from angel_x.domain.portfolios.portfolio import NetGreeks, Portfolio, ScenarioGrid
from tests.builders.accounts import list_contracts, open_accounts, open_positions
from tests.builders.chains import make_universe

CALL, PUT = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24000PE"
AT = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine) -> PostgresPortfolios:
    list_contracts(engine, make_universe())
    return PostgresPortfolios(engine)


def portfolio(user_id: int, at: datetime = AT) -> Portfolio:
    return Portfolio(
        user_id=user_id,
        cash=Decimal("100000.00"),
        collateral=Decimal("5000.00"),
        margin_used=Decimal("30000.00"),
        free_balance=Decimal("75000.00"),
        realised_pnl=Decimal("12.34"),
        unrealised_pnl=Decimal("-0.05"),
        equity=Decimal("104999.95"),
        greeks={
            "NIFTY": NetGreeks(1.5, 0.001, 20.25, -3.5, 0.5, 0.25, 0.125, -0.5, 36_000.0, None, AT)
        },
        scenarios=ScenarioGrid((-3.0, 0.0), (0.0,), ((-10.5,), (0.0,))),
        open_positions=1,
        stale_positions=1,
        unpriced_positions=0,
        updated_at=at,
    )


def rows(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_accounts_are_read_with_their_open_positions_only(
    store: PostgresPortfolios, engine: Engine
) -> None:
    first, second, third = open_accounts(engine, 3)
    open_positions(engine, [(first, CALL, 65, "6000.50"), (third, PUT, -130, "-9000.05")])
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, exit_time)
            VALUES (:user_id, :user_id, :symbol, 'CLOSED', 0, 0, now())
            """),
            {"user_id": first, "symbol": PUT},
        )

    accounts, holdings = store.read([third, second, first, 10**15])

    assert [a.id for a in accounts] == [first, second, third]
    assert accounts[0].cash == Decimal("100000.00")
    assert accounts[0].free_balance == Decimal("75000.00")
    assert list(holdings.symbols) == [CALL, PUT]
    assert holdings.owner.tolist() == [0, 2]
    assert holdings.quantity.tolist() == [65, -130]
    assert holdings.cost_paise.tolist() == [600_050, -900_005]
    assert store.holders((), 7, 1) == {first, third}


def test_holders_take_turns_and_watched_ones_are_always_asked_for(
    store: PostgresPortfolios, engine: Engine
) -> None:
    *holders, idle = open_accounts(engine, 10)
    open_positions(engine, [(user_id, CALL, 65, "6000.50") for user_id in holders])
    watched = {holders[0], idle}

    turns = [store.holders(watched, turn, 3) for turn in range(5, 8)]

    assert set().union(*turns) == {*holders}
    assert all(holders[0] in found and len(found) <= 4 for found in turns)


def test_nobody_reads_as_nothing(store: PostgresPortfolios) -> None:
    accounts, holdings = store.read([])

    assert accounts == []
    assert (len(holdings.owner), len(holdings.symbols), len(holdings.quantity)) == (0, 0, 0)


def test_a_saved_portfolio_replaces_the_one_before(
    store: PostgresPortfolios, engine: Engine
) -> None:
    first, second = open_accounts(engine, 2)
    store.save([portfolio(second), portfolio(first)])

    later = AT + timedelta(seconds=1)
    store.save([replace(portfolio(first, later), equity=Decimal("1.00"))])

    assert rows(engine, "SELECT user_id, equity, updated_at FROM portfolios ORDER BY user_id") == [
        (first, Decimal("1.00"), later),
        (second, Decimal("104999.95"), AT),
    ]
    [(greeks, scenarios)] = rows(
        engine, f"SELECT greeks, scenarios FROM portfolios WHERE user_id = {first}"
    )
    assert greeks == {
        "NIFTY": {
            "delta": 1.5,
            "gamma": 0.001,
            "vega": 20.25,
            "theta": -3.5,
            "rho": 0.5,
            "vanna": 0.25,
            "volga": 0.125,
            "charm": -0.5,
            "delta_rupees": 36_000.0,
            "gamma_rupees": None,
            "as_of": "2026-11-23T10:00:00Z",
        }
    }
    assert scenarios == {
        "spot_percent": [-3.0, 0.0],
        "vol_percent": [0.0],
        "profit": [[-10.5], [0.0]],
    }


def test_an_overtaken_portfolio_does_not_replace_a_newer_one(
    store: PostgresPortfolios, engine: Engine
) -> None:
    [user_id] = open_accounts(engine, 1)
    store.save([portfolio(user_id)])

    store.save([replace(portfolio(user_id, AT - timedelta(seconds=1)), equity=Decimal("1.00"))])

    assert rows(engine, "SELECT equity FROM portfolios") == [(Decimal("104999.95"),)]


def test_a_second_snapshot_of_one_moment_appends_nothing(
    store: PostgresPortfolios, engine: Engine
) -> None:
    first, second = open_accounts(engine, 2)
    store.save([portfolio(first), portfolio(second)])

    assert store.snapshot(AT, AT.date(), {}) == 2
    assert store.snapshot(AT, AT.date(), {}) == 0
    assert store.snapshot(AT + timedelta(minutes=1), AT.date(), {}) == 2

    assert rows(engine, "SELECT count(*), min(equity) FROM portfolio_snapshots") == [
        (4, Decimal("104999.95"))
    ]


def test_a_snapshot_marks_positions_and_a_new_day_opens_at_the_last_mark(
    store: PostgresPortfolios, engine: Engine
) -> None:
    first, second = open_accounts(engine, 2)
    open_positions(engine, [(first, CALL, -65, "-6500.00"), (second, PUT, 65, "6000.00")])
    store.save([portfolio(first), portfolio(second)])

    for day, price in enumerate(("90.25", "80.00", "70.00", "60.00"), 0):
        # Two snapshots on each of two days.
        moment = AT + timedelta(hours=12 * day)
        store.snapshot(moment, (AT + timedelta(days=day // 2)).date(), {CALL: Decimal(price)})

    assert sorted(store.held()) == sorted([CALL, PUT])
    marked = rows(engine, "SELECT market_day, opening_pnl, pnl FROM position_marks")
    # 6,500 received less 65 at 80.00 and at 60.00.
    assert marked == [((AT + timedelta(days=1)).date(), Decimal("1300.00"), Decimal("2600.00"))]
    kept = rows(
        engine, f"SELECT marks FROM portfolio_snapshots WHERE user_id = {first} ORDER BY taken_at"
    )
    assert [marks for (marks,) in kept] == [{CALL: p} for p in ("90.25", "80.00", "70.00", "60.00")]
    of_second = rows(
        engine, f"SELECT DISTINCT marks FROM portfolio_snapshots WHERE user_id = {second}"
    )
    assert of_second == [(None,)]
    reading = PostgresStatements(engine)
    days = [(AT + timedelta(days=n)).date() for n in (1, 2)]
    assert [reading.positions(first, day)[0].opening_pnl for day in days] == [1300, 2600]
    assert reading.positions(second, days[0])[0].opening_pnl == 0
