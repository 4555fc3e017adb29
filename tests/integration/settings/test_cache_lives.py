"""How long what is cached lives, and how old a quote may be to trade at."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from angel_x.bootstrap import Application
from tests.builders.orders import Market
from tests.integration.settings.conftest import Build

#: Far enough apart that no busy machine confuses them.
SECONDS = (100, 5_000)
SLACK_SECONDS = 60


def assert_live_for(application: Application, seconds: int, pattern: str) -> None:
    keys = list(application.base.cache.scan_iter(pattern))
    assert keys, pattern
    for key in keys:
        assert seconds - SLACK_SECONDS < int(str(application.base.cache.ttl(key))) <= seconds, key


@pytest.mark.parametrize("seconds", SECONDS)
def test_quotes_live_for_cache_ttl_market_data(built: Build, seconds: int) -> None:
    application = built(CACHE_TTL_MARKET_DATA=seconds)

    Market.open(application)

    assert_live_for(application, seconds, "ax:quotes:*")
    assert_live_for(application, seconds, "ax:spots:*")


@pytest.mark.parametrize(("seconds", "status"), [(300, "filled"), (10, "denied")])
def test_nobody_trades_at_a_quote_older_than_cache_ttl_market_data(
    built: Build, seconds: int, status: str
) -> None:
    application = built(CACHE_TTL_MARKET_DATA=seconds)
    market = Market.open(application)
    market.quote(market.symbols[0], "100.00", "100.50", age_seconds=30)
    (order,) = market.accept(market.account(), market.request())

    application.trading.execution.run([order.order_id])

    assert market.statuses() == {order.order_id: status}


@pytest.mark.parametrize("seconds", SECONDS)
def test_results_of_messages_live_for_result_ttl_seconds(
    built: Build, environ: dict[str, str], seconds: int
) -> None:
    application = built(RESULT_URL=environ["ANGEL_X_CACHE_URL"], RESULT_TTL_SECONDS=seconds)
    assert application.intake.replies is not None

    application.intake.replies.put("m1", {"orders": []})

    assert_live_for(application, seconds, "celery-task-meta-m1")


@pytest.mark.parametrize("seconds", SECONDS)
def test_greeks_live_for_cache_ttl_greeks(built: Build, seconds: int) -> None:
    application = built(CACHE_TTL_GREEKS=seconds)
    Market.open(application)
    universe = application.market.universes.current()

    application.analytics.greeks.compute_chunk(
        universe.version, 0, len(universe), application.base.clock()
    )

    assert_live_for(application, seconds, "ax:greeks:*")
    assert_live_for(application, seconds, "ax:risk:*")


@pytest.mark.parametrize(("days", "kept"), [(20, 1), (10, 0)])
def test_greeks_of_the_expired_are_kept_for_greeks_retention_days(
    built: Build, days: int, kept: int
) -> None:
    application = built(GREEKS_RETENTION_DAYS=days)
    market = Market.open(application)
    with application.base.engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO greeks_snapshot (symbol, as_of) VALUES (:symbol, now());
                UPDATE contracts SET expires_at = now() - interval '15 days' WHERE symbol = :symbol
            """),
            {"symbol": market.symbols[0]},
        )

    assert application.analytics.greeks_archive.forget() == 1 - kept

    with application.base.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM greeks_snapshot")) == kept


@pytest.mark.parametrize("seconds", SECONDS)
def test_a_valued_portfolio_lives_for_cache_ttl_portfolio(built: Build, seconds: int) -> None:
    application = built(CACHE_TTL_PORTFOLIO=seconds)
    user = Market.open(application).account()

    application.analytics.portfolios.update([user])

    assert_live_for(application, seconds, f"ax:portfolio:{user}")
