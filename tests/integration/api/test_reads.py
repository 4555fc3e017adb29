from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from angel_x import Client
from angel_x.domain.calendar.session import IST
from angel_x.domain.portfolios.pnl import CostConvention, PnlGroup
from angel_x.domain.quotes.minute_sample import ChainMinute, contract_number
from angel_x.domain.records.minute_series import ContractMinute
from tests.integration.api.running import RunningApi

POSITION = """
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, realised_pnl,
    entry_time, exit_time)
VALUES (:user_id, :user_id, :symbol, :status, :quantity, :cost, 0, now(), :exit_time)
"""
TRADE = """
INSERT INTO trades (user_id, symbol, status, side, quantity, entry_price, exit_price, realised_pnl,
    closed_at)
SELECT :user_id, :symbol, 'CLOSED', 'BUY', 75, 100, 101.5, 112.5,
    now() - make_interval(mins => 30 * n)
FROM generate_series(1, :count) n
"""
SNAPSHOTS = """
INSERT INTO portfolio_snapshots (user_id, taken_at, equity, realised_pnl, unrealised_pnl, margin_used)
SELECT :user_id, now() - make_interval(mins => n), 100 + n, 0, 0, n FROM generate_series(1, :count) n
"""
FILLED = """
WITH traded AS (
    INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, filled_quantity,
        order_type, validity, product, priority, tag, status, ring_at, valid_until, closed_at)
    SELECT :user_id, 'order ' || n, '', :symbol, CASE WHEN n < 3 THEN 'BUY' ELSE 'SELL' END, 65, 65,
        'MARKET', 'DAY', 'NRML', 'normal', 'wheel', 'filled', now(), now(), now()
    FROM generate_series(1, 3) n RETURNING id, side, client_order_id
)
INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price, trade_date)
SELECT 'fill ' || client_order_id, id, :user_id, :symbol, side, 65, price, day FROM traded
JOIN (VALUES ('order 1', 100, DATE '2026-08-19'), ('order 2', 200, DATE '2026-08-19'),
    ('order 3', 180, DATE '2026-08-20')) AS p (name, price, day) ON name = client_order_id
ORDER BY id
"""
GREEKS = """
INSERT INTO greeks_snapshot (symbol, delta, gamma, vega, theta, as_of)
VALUES (:symbol, 0.5, 0.001, 12.5, -7.25, now())
"""


def run(api: RunningApi, statement: str, **parameters: object) -> None:
    with api.application.base.engine.begin() as connection:
        connection.execute(text(statement), parameters)


@pytest.fixture
def symbol(api: RunningApi) -> str:
    return api.application.market.universes.current().symbols[0]


def test_open_positions_come_with_the_last_greeks(
    api: RunningApi, account: tuple[int, str], client: Client, symbol: str
) -> None:
    user_id, _ = account
    other_id, _ = api.open_account("other")
    held = {"symbol": symbol, "status": "OPEN", "exit_time": None}
    run(api, POSITION, user_id=user_id, quantity=-75, cost=Decimal("-7500.25"), **held)
    run(api, POSITION, user_id=other_id, quantity=75, cost=1, **held)
    run(api, GREEKS, symbol=symbol)

    (position,) = client.positions()

    assert (position.symbol, position.quantity) == (symbol, -75)
    assert position.cost == Decimal("-7500.25")
    assert (position.delta, position.theta) == (0.5, -7.25)
    assert position.greeks_as_of is not None


def test_a_closed_position_is_not_listed(
    api: RunningApi, account: tuple[int, str], client: Client, symbol: str
) -> None:
    closed = {
        "status": "CLOSED",
        "quantity": 0,
        "cost": 0,
        "exit_time": api.application.base.clock(),
    }
    run(api, POSITION, user_id=account[0], symbol=symbol, **closed)

    assert client.positions() == []


def test_trades_are_those_of_one_day_newest_first(
    api: RunningApi, account: tuple[int, str], client: Client, symbol: str
) -> None:
    run(api, TRADE, user_id=account[0], symbol=symbol, count=60)

    trades = client.trades()

    assert len(trades) == 47
    assert [t.closed_at for t in trades] == sorted((t.closed_at for t in trades), reverse=True)
    assert trades[0].realised_pnl == Decimal("112.50")


def test_no_more_than_a_thousand_trades_are_listed(
    api: RunningApi, account: tuple[int, str], client: Client, symbol: str
) -> None:
    run(
        api, TRADE.replace("mins => 30", "secs => 1"), user_id=account[0], symbol=symbol, count=1100
    )

    assert len(client.trades()) == 1000


def test_margin_is_cash_less_what_is_used(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    run(api, "UPDATE users SET margin_used = 1000.50 WHERE id = :id", id=account[0])

    balance = client.margin()

    assert balance.cash == Decimal("10000000.00")
    assert balance.margin_used == Decimal("1000.50")
    assert balance.free_balance == Decimal("9998999.50")


def test_the_pnl_of_the_day_is_that_of_the_markets_day_alone(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    today = api.application.base.market_clock().astimezone(IST).date()
    stored = "UPDATE users SET pnl_day = :day, day_pnl = -12.50 WHERE id = :id"

    run(api, stored, id=account[0], day=today)
    of_today = client.margin().day_pnl
    run(api, stored, id=account[0], day=today - timedelta(days=1))

    assert of_today == Decimal("-12.50")
    assert client.margin().day_pnl == 0


def test_the_equity_curve_is_read_in_pages_newest_first(
    api: RunningApi, account: tuple[int, str], client: Client, key: str
) -> None:
    other_id, _ = api.open_account("other")
    for user_id, count in ((account[0], 3), (other_id, 9)):
        run(api, SNAPSHOTS, user_id=user_id, count=count)

    first = api.call("GET", "/v1/equity?limit=2", key=key).body
    second = api.call("GET", f"/v1/equity?limit=2&cursor={first['next']}", key=key).body

    assert [point["equity"] for point in first["points"]] == ["101.00", "102.00"]
    assert [point["equity"] for point in second["points"]] == ["103.00"]
    assert second["next"] is None
    assert [point.margin_used for point in client.equity()] == [1, 2, 3]
    assert api.call("GET", "/v1/equity?cursor=forged", key=key).status == 400


def test_pnl_is_by_group_with_average_cost_beside_fifo(
    api: RunningApi, account: tuple[int, str], client: Client, symbol: str
) -> None:
    run(api, FILLED, user_id=account[0], symbol=symbol)

    by_tag, by_day = client.pnl(PnlGroup.TAG), client.pnl()

    assert by_tag.book_convention is CostConvention.AVERAGE_COST
    (row,) = by_tag.rows
    assert row.key == "wheel"
    assert [row.realised_average_cost, row.realised_fifo] == [1950, 5200]
    assert row.net_fifo == row.realised_fifo - row.charges < row.realised_fifo
    assert [row.key for row in by_day.rows] == ["2026-08-19", "2026-08-20"]
    (day,) = client.pnl(since=date(2026, 8, 20)).rows
    assert day == by_day.rows[1]


def test_a_new_account_has_a_portfolio_of_its_cash(client: Client) -> None:
    portfolio = client.portfolio()

    assert portfolio.equity == Decimal("10000000.00")
    assert portfolio.open_positions == 0


def test_an_option_chain_lists_calls_and_puts_by_strike(client: Client) -> None:
    chain = client.option_chain("NIFTY")
    last = client.option_chain("NIFTY", chain.expiries[-1])

    assert chain.expiry == chain.expiries[0]
    assert last.expiry == chain.expiries[-1]
    assert [row.strike for row in chain.rows] == sorted(row.strike for row in chain.rows)
    assert {row.right for row in chain.rows} == {"CE", "PE"}


def test_a_summary_of_a_chain_has_every_expiry_and_says_what_is_missing(
    api: RunningApi, client: Client, key: str
) -> None:
    expiries = client.option_chain("NIFTY").expiries

    summary = client.chain_summary("NIFTY")
    (last,) = client.chain_summary("NIFTY", expiries[-1]).expiries

    assert tuple(expiry.expiry for expiry in summary.expiries) == expiries
    assert last == summary.expiries[-1]
    body = api.call("GET", "/v1/option-chain/NIFTY/summary", key=key).body["expiries"][0]
    assert (body["atm_vol"], body["reasons"]["atm_vol"]) == (None, "unpublished")
    assert (body["max_pain"], body["reasons"]["max_pain"]) == (None, "no_open_interest")


def test_a_day_is_read_minute_by_minute_and_one_without_quotes_is_empty(
    api: RunningApi, client: Client, key: str, symbol: str
) -> None:
    at, day = datetime(2026, 8, 19, 4, 0, tzinfo=UTC), date(2026, 8, 19)
    expiry = client.option_chain("NIFTY").expiry
    number = contract_number(symbol)
    row = ChainMinute(
        "NIFTY", expiry, 2_401_005, 2_400_000, 9_995, 10_000, [number], [9_995], [650]
    )
    api.application.analytics.minute_sampling.store.save(at, [row])

    contract = client.contract_minutes(symbol, day=day)
    underlying = client.underlying_minutes("NIFTY", day=day)

    assert contract.minutes == (ContractMinute(at=at, price=Decimal("99.95"), oi=650),)
    (minute,) = underlying.minutes
    assert (minute.spot, minute.straddle) == (Decimal("24010.05"), Decimal("199.95"))
    assert client.underlying_minutes("NIFTY", expiry=expiry, day=day) == underlying
    path = f"/v1/minutes/{symbol}?day="
    raw = b'{"symbol":"%s","day":"2026-08-18","minutes":[]}' % symbol.encode()
    assert api.call("GET", f"{path}2026-08-18", key=key).raw == raw
    for extreme in ("0001-01-01", "9999-12-31"):
        assert api.call("GET", f"{path}{extreme}", key=key).body["minutes"] == []
    assert client.underlying_minutes("NIFTY", day=date(2026, 8, 18)).minutes == ()


def test_greeks_that_are_not_there_yet_are_null_and_not_a_number(
    api: RunningApi, client: Client, key: str, symbol: str
) -> None:
    greeks = client.greeks(symbol)

    assert greeks.symbol == symbol
    assert greeks.delta is None
    assert api.call("GET", f"/v1/greeks/{symbol}", key=key).body["delta"] is None


@pytest.fixture
def many_orders(client: Client, order: dict[str, object]) -> None:
    client.submit([order | {"client_order_id": f"o{i}"} for i in range(200)])


@pytest.mark.usefixtures("many_orders")
def test_a_list_is_compressed_for_those_who_accept_it(api: RunningApi, key: str) -> None:
    plain = api.call("GET", "/v1/orders?limit=200", key=key)
    small = api.call("GET", "/v1/orders?limit=200", key=key, Accept_Encoding="gzip")

    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small.raw) == plain.raw
    assert len(small.raw) * 5 < len(plain.raw)


def test_a_statement_is_a_file_in_the_format_that_was_asked_for(
    api: RunningApi, account: tuple[int, str], key: str, symbol: str
) -> None:
    run(api, FILLED, user_id=account[0], symbol=symbol)

    found = api.call("GET", "/v1/exports/fills", key=key)
    listed = api.call("GET", "/v1/exports/fills?format=json", key=key).body

    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert found.headers["content-disposition"] == 'attachment; filename="fills.csv"'
    header, *lines = found.raw.decode().splitlines()
    assert header.startswith("fill_id,execution_id,")
    assert len(lines) == 3
    assert [row["price"] for row in listed["fills"]] == ["100.00", "200.00", "180.00"]
    assert api.call("GET", "/v1/exports/secrets", key=key).status == 422
