"""Portfolios from accounts in a real database and quotes in a real cache."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from sqlalchemy import text

from angel_x.adapters.postgres.portfolios import PostgresPortfolios
from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.adapters.redis.portfolios import RedisPortfolioCache
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.domain.book.account import Account
from angel_x.domain.chains.chain_pricing import price_chains
from angel_x.domain.contracts.delivery import DeliveryRule
from angel_x.domain.operations.metric import Metric
from angel_x.domain.portfolios.portfolio import NetGreeks
from angel_x.domain.portfolios.valuation import PositionColumns
from angel_x.domain.pricing.greek_columns import to_edge_units
from angel_x.domain.values.dated import Dated
from angel_x.errors import UnknownAccount
from angel_x.services.accounts import portfolio as portfolio_service
from angel_x.services.accounts.portfolio import Portfolios
from tests.builders.accounts import list_contracts, open_accounts, open_positions
from tests.builders.chains import (
    MARKET_TIME,
    RATE,
    fair_quotes,
    make_universe,
    market_rows,
    spot_quotes,
)
from tests.builders.markets import CALENDAR, RULES
from tests.builders.recorders import (
    FixedUniverse,
    RecordingDispatcher,
    RecordingEvents,
    RecordingMeter,
)

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import Engine

UNIVERSE = make_universe()
CALL, PUT = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24000PE"
NOW = datetime(2026, 11, 23, 10, 0, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A service on a real cache and database, and what it told the outside."""

    portfolios: Portfolios
    dispatcher: RecordingDispatcher
    events: RecordingEvents
    meter: RecordingMeter
    cache: RedisPortfolioCache


@pytest.fixture
def desk(cache: Redis, engine: Engine) -> Desk:
    list_contracts(engine, UNIVERSE)
    quotes = RedisQuoteBoard(cache, ttl_seconds=60)
    quotes.write(UNIVERSE, np.arange(len(UNIVERSE)), fair_quotes(UNIVERSE))
    quotes.write_spots(UNIVERSE, spot_quotes(UNIVERSE))
    greeks = RedisGreeksBoard(cache, ttl_seconds=30)
    raw = price_chains(UNIVERSE, 0, len(UNIVERSE), market_rows(UNIVERSE)).greeks
    greeks.write(UNIVERSE, 0, to_edge_units(raw), 1)
    portfolio_cache = RedisPortfolioCache(cache, ttl_seconds=10)
    dispatcher, events, meter = RecordingDispatcher(), RecordingEvents(), RecordingMeter()
    portfolios = Portfolios(
        store=PostgresPortfolios(engine),
        cache=portfolio_cache,
        universes=FixedUniverse(UNIVERSE),
        quotes=quotes,
        read_greeks=greeks.read_rows,
        dispatcher=dispatcher,
        publish=events.publish,
        meter=meter,
        clock=lambda: NOW,
        market_clock=lambda: MARKET_TIME,
        rates=Dated([(date(2024, 1, 1), RATE)]),
        read_levels=dict,
        closes_at=CALENDAR.expires_at,
        delivery=lambda: DeliveryRule(RULES, CALENDAR),
    )
    return Desk(portfolios, dispatcher, events, meter, portfolio_cache)


def mark(symbol: str) -> Decimal:
    quote = fair_quotes(UNIVERSE)[UNIVERSE.rows[symbol]]
    return (Decimal(int(quote["bid"])) + int(quote["ask"])) / 200


def stored(engine: Engine, columns: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM portfolios ORDER BY user_id"))
        return [tuple(row) for row in rows]


def test_many_accounts_are_valued_stored_cached_and_announced(desk: Desk, engine: Engine) -> None:
    first, second, third = open_accounts(engine, 3)
    open_positions(
        engine,
        [(first, CALL, 65, "20000"), (first, PUT, -130, "-40000"), (third, PUT, 65, "1000")],
    )

    first_portfolio, second_portfolio, third_portfolio = desk.portfolios.update(
        [third, first, second]
    )

    expected = 65 * mark(CALL) - 20_000 - 130 * mark(PUT) + 40_000
    assert first_portfolio.unrealised_pnl == expected
    assert first_portfolio.equity == 105_000 + 65 * mark(CALL) - 130 * mark(PUT)
    assert first_portfolio.greeks["NIFTY"].delta > 65
    assert first_portfolio.scenarios.profit[6][1] > 0 > first_portfolio.scenarios.profit[0][1]
    assert second_portfolio.equity == 105_000
    assert third_portfolio.unrealised_pnl == 65 * mark(PUT) - 1_000
    assert stored(engine, "user_id, unrealised_pnl, stale_positions") == [
        (first, expected, 0),
        (second, 0, 0),
        (third, third_portfolio.unrealised_pnl, 0),
    ]
    assert desk.portfolios.of(first) == first_portfolio
    assert [(e["user_id"], e["kind"]) for e in desk.events.published] == [
        (user_id, "portfolio") for user_id in (first, second, third)
    ]
    assert [metric for metric, _ in desk.meter.observed] == [Metric.PORTFOLIO_UPDATE_SECONDS]


def test_a_doubled_message_changes_nothing(desk: Desk, engine: Engine) -> None:
    [user_id] = open_accounts(engine, 1)
    open_positions(engine, [(user_id, CALL, 65, "20000")])
    desk.portfolios.update([user_id])
    before = stored(engine, "*")

    desk.portfolios.update([user_id, user_id])

    assert stored(engine, "*") == before


@pytest.mark.parametrize("unknown", [0, -1, 10**15, 2**63, 10**30])
def test_an_unknown_account_is_counted_and_dropped(
    desk: Desk, engine: Engine, unknown: int
) -> None:
    [user_id] = open_accounts(engine, 1)

    assert [p.user_id for p in desk.portfolios.update([unknown, user_id])] == [user_id]

    assert (Metric.MESSAGES_DROPPED, 1, {"reason": "unknown_account"}) in desk.meter.added
    assert stored(engine, "user_id") == [(user_id,)]


def test_a_message_for_nobody_writes_and_announces_nothing(desk: Desk, engine: Engine) -> None:
    assert desk.portfolios.update([]) == []

    assert stored(engine, "user_id") == []
    assert desk.events.published == []


def test_an_update_takes_the_mark_of_change_off(desk: Desk, engine: Engine) -> None:
    first, second = open_accounts(engine, 2)
    desk.cache.mark_dirty([first, second])

    desk.portfolios.update([first])

    assert desk.cache.dirty() == {second}


def test_a_change_while_an_account_is_read_leaves_its_mark(desk: Desk, engine: Engine) -> None:
    [user_id] = open_accounts(engine, 1)

    class ReadingDuringATrade(PostgresPortfolios):
        def read(self, user_ids: Collection[int]) -> tuple[list[Account], PositionColumns]:
            found = super().read(user_ids)
            desk.cache.mark_dirty([user_id])
            return found

    replace(desk.portfolios, store=ReadingDuringATrade(engine)).update([user_id])

    assert desk.cache.dirty() == {user_id}


def test_workers_that_value_the_same_accounts_at_once_do_not_block_each_other(
    desk: Desk, engine: Engine
) -> None:
    ids = open_accounts(engine, 40)
    open_positions(engine, [(user_id, CALL, 65, "20000") for user_id in ids])

    with ThreadPoolExecutor(4) as pool:
        orders = (ids, ids[::-1]) * 6
        valued = list(pool.map(desk.portfolios.update, orders))

    assert [len(portfolios) for portfolios in valued] == [40] * 12
    assert len(stored(engine, "user_id")) == 40


def test_without_a_universe_an_account_is_still_valued(desk: Desk, engine: Engine) -> None:
    [user_id] = open_accounts(engine, 1)
    open_positions(engine, [(user_id, CALL, 65, "20000")])
    lost = replace(desk.portfolios, universes=FixedUniverse(make_universe(())))

    [portfolio] = lost.update([user_id])

    assert portfolio.equity == 125_000
    assert (portfolio.stale_positions, portfolio.unpriced_positions) == (1, 1)
    assert portfolio.greeks == {}


def test_a_refresh_asks_for_who_holds_and_who_changed_in_slices(
    desk: Desk, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, _idle = open_accounts(engine, 4)
    open_positions(engine, [(first, CALL, 65, "1"), (third, PUT, 65, "1")])
    desk.cache.mark_dirty([second, third])
    monkeypatch.setattr(portfolio_service, "SLICE", 2)

    assert desk.portfolios.refresh() == 3

    assert desk.dispatcher.portfolios == [[first, second], [third]]


def test_an_account_without_a_listener_waits_for_its_turn(desk: Desk, engine: Engine) -> None:
    users = open_accounts(engine, 12)
    open_positions(engine, [(user_id, CALL, 65, "1") for user_id in users])
    watched, changed = users[3], users[5]
    shared = replace(desk.portfolios, turns=4, watched=lambda: {watched})
    desk.cache.mark_dirty([changed])

    counts = [shared.refresh() for _ in range(4)]

    asked = desk.dispatcher.portfolios
    assert all({watched, changed} <= {*each} for each in asked)
    assert {user_id for each in asked for user_id in each} == {*users}
    assert max(counts) <= 5


def test_a_portfolio_that_is_not_cached_is_valued_when_it_is_asked_for(
    desk: Desk, engine: Engine
) -> None:
    [user_id] = open_accounts(engine, 1)
    open_positions(engine, [(user_id, CALL, 65, "20000")])

    asked = desk.portfolios.of(user_id)

    assert asked.unrealised_pnl == 65 * mark(CALL) - 20_000
    assert desk.portfolios.of(user_id) == asked
    results = [labels["result"] for _, _, labels in desk.meter.added]
    assert results == ["miss", "hit"]
    assert desk.events.published == []


def test_what_an_older_version_cached_can_be_read(desk: Desk, engine: Engine) -> None:
    [user_id] = open_accounts(engine, 1)
    open_positions(engine, [(user_id, CALL, 65, "20000")])
    [portfolio] = desk.portfolios.update([user_id])
    older = msgspec.to_builtins(portfolio)
    del older["greeks_as_of"], older["greeks_age_seconds"]
    older["greeks"] = {"NIFTY": {"delta": 1.5, "gamma": 0.25, "vega": 2.0, "theta": -3.5}}
    desk.cache.put({user_id: msgspec.json.encode(older)})

    found = desk.portfolios.of(user_id)

    assert found.greeks == {"NIFTY": NetGreeks(1.5, 0.25, 2.0, -3.5)}
    assert (found.greeks_as_of, found.greeks_age_seconds) == (None, None)
    assert found.equity == portfolio.equity


def test_a_cached_portfolio_says_how_old_its_greeks_are_now(desk: Desk, engine: Engine) -> None:
    [user_id] = open_accounts(engine, 1)
    open_positions(engine, [(user_id, CALL, 65, "20000")])
    [valued] = desk.portfolios.update([user_id])
    later = replace(desk.portfolios, clock=lambda: NOW + timedelta(seconds=7))

    # The fixture publishes its Greeks as asked for in the first millisecond of 1970.
    assert valued.greeks_age_seconds == NOW.timestamp() - 0.001
    assert later.of(user_id).greeks_age_seconds == NOW.timestamp() - 0.001 + 7
    assert desk.events.published[0]["greeks_age_seconds"] == valued.greeks_age_seconds


def test_an_account_that_does_not_exist_has_no_portfolio(desk: Desk) -> None:
    with pytest.raises(UnknownAccount, match="was 999"):
        desk.portfolios.of(999)


def test_a_second_snapshot_within_the_minute_appends_nothing(desk: Desk, engine: Engine) -> None:
    desk.portfolios.update(open_accounts(engine, 2))

    assert desk.portfolios.snapshot() == 2
    assert desk.portfolios.snapshot() == 0
