"""The session that the processes of a client share, over Redis and at the fake exchange."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from threading import Barrier
from time import monotonic, sleep

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.credentials import Credentials, Tokens
from angel_x.adapters.angel_one.fleet_session import FleetSession
from angel_x.adapters.redis.session_store import RedisSessionStore
from angel_x.rehearsal.fake_exchange.faults import Faults
from tests.builders.broker import Broker, broker, exchange
from tests.fakes.session_store import MemorySessionStore
from tests.plugins.servers import RedisUrls

PROCESSES = 6
CODE = "A12345"
Store = RedisSessionStore | MemorySessionStore


@pytest.fixture
def client(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.cache_url)) as made:
        yield made


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemorySessionStore()
    return RedisSessionStore(request.getfixturevalue("client"))


@pytest.fixture
def at_broker() -> Iterator[Broker]:
    """An exchange at which a login ends the sessions before it."""
    with broker(exchange(faults=Faults(sole_session=True))) as found:
        yield found


@pytest.fixture
def fleet(at_broker: Broker, client: redis.Redis) -> Iterator[list[AngelOne]]:
    """Clients as in as many processes: they share nothing but the store."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(closing(at_broker.another(store=RedisSessionStore(client))))
            for _ in range(PROCESSES)
        ]


def all_at_once(fleet: list[AngelOne]) -> None:
    """Make a request in each process at the same moment."""
    start = Barrier(len(fleet))

    def read(each: AngelOne) -> bool:
        start.wait(60)
        return each.funds().net > 0

    with ThreadPoolExecutor(len(fleet)) as threads:
        assert all(threads.map(read, fleet))


def test_a_sealed_session_is_kept_replaced_and_removed(store: Store) -> None:
    store.write("a", b"first", 60)
    store.write("a", b"second", 60)

    assert (store.read("a"), store.read("b")) == (b"second", None)
    store.remove("a")
    assert store.read("a") is None


def test_a_turn_is_one_process_s_until_it_ends_it(store: Store) -> None:
    assert store.take_turn("a", "one", 60)
    assert store.take_turn("b", "two", 60)
    assert not store.take_turn("a", "two", 60)

    store.end_turn("a", "two")
    assert not store.take_turn("a", "two", 60)
    store.end_turn("a", "one")
    assert store.take_turn("a", "two", 60)


def test_session_and_turn_end_by_themselves(client: redis.Redis) -> None:
    store = RedisSessionStore(client)
    store.write("a", b"sealed", 60)
    store.take_turn("a", "one", 30)

    assert 0 < client.pttl("ax:broker-session:a") <= 60_000
    assert 0 < client.pttl("ax:broker-session:a:turn") <= 30_000


def test_all_processes_work_in_one_session(at_broker: Broker, fleet: list[AngelOne]) -> None:
    all_at_once(fleet)
    all_at_once(fleet)

    assert at_broker.exchange.sessions.logins == 1


def test_of_many_processes_one_renews_the_session(at_broker: Broker, fleet: list[AngelOne]) -> None:
    all_at_once(fleet)
    token = fleet[0].session.tokens()
    at_broker.server.do(lambda each: each.sessions.expire(token.access))

    all_at_once(fleet)

    sessions = at_broker.exchange.sessions
    assert (sessions.logins, sessions.renewals) == (1, 1)
    assert len({each.session.tokens() for each in fleet}) == 1


def test_a_session_that_ended_with_all_its_tokens_is_begun_anew_once(
    at_broker: Broker, fleet: list[AngelOne]
) -> None:
    all_at_once(fleet)
    token = fleet[0].session.tokens()
    at_broker.server.do(lambda each: each.sessions.end(token.access))

    all_at_once(fleet)

    assert at_broker.exchange.sessions.logins == 2


def test_tokens_that_another_process_renewed_and_that_ended_as_well_are_renewed_again(
    at_broker: Broker, fleet: list[AngelOne]
) -> None:
    first, second = fleet[:2]
    first.login()
    second.login()
    ended = first.session.tokens()
    newer = first.session.renewed(ended)
    at_broker.server.do(lambda each: each.sessions.expire(newer.access))

    assert second.funds().net > 0

    assert second.session.tokens() not in {ended, newer}


def test_a_logout_ends_the_session_of_all_and_the_next_request_begins_one(
    at_broker: Broker, fleet: list[AngelOne], client: redis.Redis
) -> None:
    all_at_once(fleet)

    fleet[0].logout()
    assert client.get(f"ax:broker-session:{CODE}") is None
    all_at_once(fleet)

    assert at_broker.exchange.sessions.logins == 2


def test_a_logout_of_old_tokens_leaves_the_newer_session(at_broker: Broker, store: Store) -> None:
    old, new = Tokens("a1", "r1", "f1"), Tokens("a2", "r2", "f2")
    fleet = at_broker.fleet(store)
    fleet.keep(new)

    fleet.drop(old)
    assert fleet.read() == new
    fleet.drop(new)
    assert fleet.read() is None


def test_the_store_holds_no_token_in_the_clear(
    at_broker: Broker, fleet: list[AngelOne], client: redis.Redis
) -> None:
    fleet[0].login()
    tokens = fleet[0].session.tokens()

    kept = client.get(f"ax:broker-session:{CODE}")

    assert kept
    for token in (tokens.access, tokens.refresh, tokens.feed):
        assert token.encode() not in kept


def test_a_session_of_other_credentials_or_of_another_address_is_none(
    at_broker: Broker, store: Store
) -> None:
    at_broker.fleet(store).keep(Tokens("a1", "r1", "f1"))
    known = at_broker.credentials
    other = Credentials(known.client_code, known.api_key, "9999", known.totp_secret)

    assert at_broker.fleet(store).read() == Tokens("a1", "r1", "f1")
    assert at_broker.fleet(store, other).read() is None
    elsewhere = FleetSession(
        store, known, "https://elsewhere", unreachable=(), now=midday, sleep=sleep,
        monotonic=monotonic, turn_seconds=1,
    )  # fmt: skip
    assert elsewhere.read() is None


def midday() -> datetime:
    return datetime(2026, 12, 1, 6, 30, tzinfo=UTC)


def test_a_session_is_kept_until_midnight_in_india(client: redis.Redis) -> None:
    made = FleetSession(
        RedisSessionStore(client), Credentials(CODE, "k", "p", "t"), "https://broker",
        unreachable=(), now=midday, sleep=sleep, monotonic=monotonic, turn_seconds=1,
    )  # fmt: skip

    made.keep(Tokens("a1", "r1", "f1"))

    twelve_hours = 12 * 3600_000
    assert twelve_hours - 600_000 < client.pttl(f"ax:broker-session:{CODE}") <= twelve_hours


def test_a_process_that_died_in_its_turn_holds_the_others_up_for_a_turn(
    at_broker: Broker, client: redis.Redis
) -> None:
    dead = RedisSessionStore(client)
    assert dead.take_turn(CODE, "dead", 0.5)

    with closing(at_broker.another(store=RedisSessionStore(client))) as made:
        assert made.funds().net > 0

    assert at_broker.exchange.sessions.logins == 1


def test_while_the_store_is_away_a_process_logs_in_for_itself(at_broker: Broker) -> None:
    nobody = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))

    with closing(at_broker.another(store=RedisSessionStore(nobody))) as made:
        assert made.funds().net > 0
        made.logout()

    assert at_broker.exchange.sessions.logins == 1
