"""Work to profile: real orders and real Greeks on servers of their own, all in this process."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import msgspec

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import ServerUrls, erase, start_servers
from angel_x.adapters.slowness import slowness
from angel_x.bootstrap import build
from angel_x.domain.contracts.universe_generator import UniversePlan
from angel_x.domain.feed.simulator import Simulator, central_strikes
from angel_x.rehearsal.market import current_chain, instruments
from angel_x.rehearsal.orders import Mix, make_requests
from angel_x.rehearsal.waiting import NotFinished, holds_within
from angel_x.services.intake.submissions import RawSubmission
from angel_x.services.market.feed import Feed

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from config.settings import Settings

#: Prepared beforehand; it does the work when it is called, and returns the number of units done.
Work = Callable[[], int]

_CASH = Decimal(1_000_000_000)
_BATCH = 50
_LONG_SECONDS = 3600
_PATIENCE_SECONDS = 60.0


@contextmanager
def prepared_application(settings: Settings) -> Iterator[Application]:
    """Start servers in a new home, and build the application of this process on them."""
    with tempfile.TemporaryDirectory(prefix="angel-x-profile-") as directory:
        home = Path(directory)
        # As root another user runs PostgreSQL.
        home.chmod(0o755)
        try:
            with start_servers(home, database_url=None, redis_url=None) as servers:
                _migrate(servers.urls.database_url)
                located = _located(settings, home, servers.urls)
                with closing(build(located, role="profile")) as application:
                    yield application
        finally:
            erase(home)


def _migrate(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine)
    engine.dispose()


def _located(settings: Settings, home: Path, urls: ServerUrls) -> Settings:
    return msgspec.structs.replace(
        settings,
        home=str(home),
        database_url=urls.database_url,
        broker_url=urls.broker_redis_url,
        cache_url=urls.cache_url,
        market_hours="always",
        rate_limit_enabled=False,
        warm_cache_on_startup=False,
        # The work under a profiler takes longer than quotes live.
        cache_ttl_market_data=_LONG_SECONDS,
        cache_ttl_greeks=_LONG_SECONDS,
    )


def order_work(application: Application, orders: int) -> Work:
    """Prepare orders of one account near the money, submitted and decided in batches of fifty."""
    application.market.contracts.load_generated()
    _quote(application)
    _price(application)
    user_id = application.people.accounts.open("profile", _CASH).id
    traded = instruments(application, current_chain(application))
    mix = Mix(sizes={_BATCH: 1}, share_of_repeats=0.0)
    batches = [
        RawSubmission(user_id, {"orders": list(request.orders)}, "profile")
        for request in make_requests("profile", traded, orders, Random(1), mix)  # noqa: S311 - the same orders each time
    ]

    def work() -> int:
        return sum(_decide(application, batch) for batch in batches)

    return work


def greeks_work(application: Application, contracts: int, passes: int) -> Work:
    """Prepare a universe with quotes, whose Greeks and risk arrays are computed several times."""
    plan = UniversePlan(underlyings=max(1, contracts // 500), contracts=contracts)
    application.market.contracts.load_universe(plan)
    _quote(application)
    # Compiled, or imported, before the profile.
    _price(application)

    def work() -> int:
        return sum(_price(application) for _ in range(passes))

    return work


def _decide(application: Application, batch: RawSubmission) -> int:
    [accepted] = application.intake.submissions.submit([batch])
    if isinstance(accepted, Exception):
        raise accepted
    application.trading.execution.run([order.order_id for order in accepted])
    return len(accepted)


def _price(application: Application) -> int:
    """Price every chain once, and return the number of contracts."""
    universe = application.market.universes.current()
    greeks, now = application.analytics.greeks, application.base.clock()
    return greeks.compute_chunk(universe.version, 0, universe.option_count, now)


def _quote(application: Application) -> None:
    """Run a simulated feed until every contract has a quote."""
    ports, stop = application.market.feed_ports, threading.Event()
    universe = application.market.universes.current()
    source = Simulator(universe, central_strikes(universe), seed=1, starts_at=ports.clock())
    feed = Feed(source, ports, buffer_size=len(universe) + 1000, speed=1.0, loops=False)
    thread = threading.Thread(target=feed.run, args=(stop,), name="profile-feed")
    thread.start()
    try:
        if not holds_within(
            _PATIENCE_SECONDS * slowness(),
            lambda: bool(application.market.quotes.read(universe)["time"].all()),
            stop,
        ):
            raise NotFinished("the simulated feed has not quoted every contract")
    finally:
        stop.set()
        thread.join()
