"""The client of the trading broker, and the sockets of its market data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.angel_one.budget import Budget, Ledger, LocalLedger
from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.credentials import Credentials
from angel_x.adapters.angel_one.fleet_ledger import FleetLedger
from angel_x.adapters.angel_one.fleet_session import FleetSession
from angel_x.adapters.angel_one.instrument_tokens import instruments, read_broker_contracts
from angel_x.adapters.angel_one.limits import limits_in_force
from angel_x.adapters.angel_one.live_market import LiveMarket
from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.adapters.angel_one.market_socket import SocketEndpoint
from angel_x.adapters.angel_one.market_stream import MarketStream
from angel_x.adapters.angel_one.master_download import MASTER_URL, MasterDownload, connected
from angel_x.adapters.angel_one.order_updates import OrderUpdates
from angel_x.adapters.angel_one.session import Session
from angel_x.adapters.angel_one.shared_reads import SharedReads
from angel_x.adapters.angel_one.wire import LEAVING_SECONDS, Endpoint, Wire
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.market_tables import market_tables
from angel_x.adapters.postgres.broker_contracts import PostgresBrokerContracts
from angel_x.adapters.postgres.open_contracts import OpenContracts
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.read_shelf import RedisShelf
from angel_x.adapters.redis.request_budget import RedisLedger
from angel_x.adapters.redis.session_store import RedisSessionStore
from angel_x.bootstrap.foundation import Foundation
from angel_x.bootstrap.outside import checked_address
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.request_budget import share_of
from config.settings import LIVE_CREDENTIALS, Settings

if TYPE_CHECKING:
    from angel_x.domain.contracts.broker_contract import BrokerContract
    from angel_x.domain.contracts.universe import Universe

log = structlog.get_logger()

#: The time in which every process notices a message broker that is away, and tells one that is back
#: what it has sent.
_QUIET_SECONDS = 3.0
_SOCKET_SECONDS = 1.0
#: The longest silence of a download.
_DOWNLOAD_SECONDS = 30.0


def build_broker(settings: Settings) -> AngelOne:
    """Put the client together, without connecting.

    Raises:
        SettingsError: Credentials are missing, or the address would show them to others.
    """
    return _client(settings, _credentials(settings))[0]


def build_market_stream(settings: Settings, instruments: Sequence[Instrument]) -> MarketStream:
    """Put together the market data of all instruments that may be subscribed, without connecting.

    Raises:
        SettingsError: Credentials are missing, or an address would show them to others.
        ValueError: A token is no number of at most eight digits.
    """
    credentials = _credentials(settings)
    url = checked_address(
        "ANGEL_X_ANGEL_ONE_STREAM_URL", settings.angel_one_stream_url, "wss", "ws"
    )
    client, session = _client(settings, credentials)
    endpoint = SocketEndpoint(url, credentials, session.tokens, session.renewed)
    return MarketStream(endpoint, instruments, on_close=client.close)


def build_live_market(
    settings: Settings, base: Foundation, master: Path, universe: Universe
) -> LiveMarket:
    """Put together the broker's market as a source of the feed, and store the names in the master.

    A second call stores what has changed.

    Raises:
        SettingsError: Credentials are missing, or an address would show them to others.
        InvalidScripMaster: The master has a row that makes no sense; nothing was stored.
        OSError: The master cannot be opened.
    """
    _credentials(settings)
    contracts = read_broker_contracts(master)
    _store(base, contracts, master)
    return LiveMarket(
        universe,
        instruments(contracts),
        open_stream=partial(build_market_stream, settings),
        find_held=OpenContracts(base.engine).find,
        clock=base.clock,
        monotonic=time.monotonic,
    )


def _store(base: Foundation, contracts: Iterable[BrokerContract], master: Path) -> None:
    master_at = datetime.fromtimestamp(master.stat().st_mtime, UTC)
    stored = PostgresBrokerContracts(base.engine).store(
        contracts, master_at, base.clock().astimezone(IST).date()
    )
    log.info("broker_contracts.stored", changed=stored.changed, expired=stored.expired)


def _credentials(settings: Settings) -> Credentials:
    return Credentials(*(settings.needed(name) for name in LIVE_CREDENTIALS))


def _client(settings: Settings, credentials: Credentials) -> tuple[AngelOne, Session]:
    budget = Budget(_ledger(settings), sleep=time.sleep, monotonic=time.monotonic)
    endpoint, cache = _endpoint(settings), _cache(settings)
    fleet = None if cache is None else _fleet(settings, cache, credentials, endpoint.url)
    wire = Wire(
        endpoint,
        client_code=credentials.client_code,
        api_key=credentials.api_key,
        budget=budget,
        limits=limits_in_force(market_tables(settings), wall_clock),
        sleep=time.sleep,
        reads=None if cache is None else _shared_reads(cache),
    )
    session = Session(wire, credentials, now=wall_clock, fleet=fleet)
    return AngelOne(wire, session), session


def build_order_updates(
    settings: Settings, client: AngelOne, sleep: Callable[[float], object] = time.sleep
) -> OrderUpdates:
    """Put the socket of order updates together, without connecting.

    Raises:
        SettingsError: The address would show the token to others.
    """
    return OrderUpdates(
        checked_address(
            "ANGEL_X_ANGEL_ONE_UPDATES_URL", settings.angel_one_updates_url, "wss", "ws"
        ),
        client.session,
        sleep=sleep,
        monotonic=time.monotonic,
        random=SystemRandom(),
    )


@contextmanager
def build_master_download(file: Path, url: str | None = None) -> Iterator[MasterDownload]:
    """Yield the download of the scrip master to a file, without connecting.

    Raises:
        SettingsError: The address is neither encrypted nor on this machine.
    """
    address = checked_address("--url", url or MASTER_URL, "https", "http")
    with connected(_DOWNLOAD_SECONDS) as http:
        yield MasterDownload(http, address, file, check=read_broker_contracts, sleep=time.sleep)


def _ledger(settings: Settings) -> Ledger:
    """Return the ledger of the fleet where there is a message broker, and of this process elsewhere."""
    if settings.broker_url is None:
        return LocalLedger(time.monotonic)
    hold = settings.angel_one_timeout_seconds + LEAVING_SECONDS
    client = connect(
        settings.broker_url,
        socket_timeout=_SOCKET_SECONDS,
        socket_connect_timeout=_SOCKET_SECONDS,
        # A repeated command would count a request twice.
        retry=Retry(NoBackoff(), 0),
    )
    return FleetLedger(
        RedisLedger(client, hold_seconds=hold, quiet_seconds=_QUIET_SECONDS),
        LocalLedger(
            time.monotonic, share=partial(share_of, processes=settings.angel_one_processes)
        ),
        unreachable=(redis.RedisError,),
        monotonic=time.monotonic,
        pause_seconds=_QUIET_SECONDS,
    )


def _cache(settings: Settings) -> redis.Redis | None:
    """Return the cache, where the processes share a session and reads; None where there is none."""
    if settings.cache_url is None:
        return None
    return connect(
        settings.cache_url,
        socket_timeout=_SOCKET_SECONDS,
        socket_connect_timeout=_SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _shared_reads(cache: redis.Redis) -> SharedReads:
    return SharedReads(RedisShelf(cache), unreachable=(redis.RedisError,))


def _fleet(
    settings: Settings, cache: redis.Redis, credentials: Credentials, address: str
) -> FleetSession:
    return FleetSession(
        RedisSessionStore(cache),
        credentials,
        address,
        unreachable=(redis.RedisError,),
        now=wall_clock,
        sleep=time.sleep,
        monotonic=time.monotonic,
        turn_seconds=settings.angel_one_timeout_seconds + LEAVING_SECONDS,
    )


def _endpoint(settings: Settings) -> Endpoint:
    source = settings.angel_one_source_address
    return Endpoint(
        url=checked_address("ANGEL_X_ANGEL_ONE_URL", settings.angel_one_url, "https", "http"),
        timeout_seconds=settings.angel_one_timeout_seconds,
        source_address=source,
        public_address=settings.angel_one_public_address or source or "127.0.0.1",
        mac_address=settings.angel_one_mac_address,
    )
