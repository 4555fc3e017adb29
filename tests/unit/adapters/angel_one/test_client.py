from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import structlog

from angel_x.adapters.angel_one.credentials import Credentials, Tokens
from angel_x.errors import (
    BrokerError,
    BrokerLoginRefused,
    BrokerRefused,
    BrokerThrottled,
    BrokerUnavailable,
)
from angel_x.rehearsal.fake_exchange.faults import Fault
from tests.builders.broker import ASK, CALL, LOT, Broker, broker, order


@pytest.fixture(scope="module")
def served() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture
def at_broker(served: Broker) -> Broker:
    """One exchange for the module; every test has a client of its own."""
    served.pauses.clear()
    served.client.close()
    served.client = served.another()
    return served


def test_a_client_logs_in_and_reads_profile_funds_and_books(at_broker: Broker) -> None:
    client = at_broker.client

    assert client.profile().client_code == "A12345"
    assert client.profile().exchanges == ("NSE", "NFO", "BSE", "BFO")
    assert client.funds().net > 0
    assert client.search("NFO", "NIFTY25AUG2624000C")[0].symbol_token == CALL.token


def test_an_order_is_placed_modified_canceled_and_read(at_broker: Broker) -> None:
    client = at_broker.client
    resting = client.place(order(price="95.00", ordertag="angel-x-2"))

    client.modify({**order(price="96.00", quantity=str(2 * LOT)), "orderid": resting.order_id})
    changed = client.details(resting.unique_id)
    client.cancel("NORMAL", resting.order_id)
    filled = client.place(order(ordertag="angel-x-3"))

    assert (changed.price, changed.quantity, changed.status) == (Decimal(96), 2 * LOT, "open")
    book = {each.tag: each for each in client.order_book()}
    assert book["angel-x-2"].status == "cancelled"
    assert (book["angel-x-3"].status, book["angel-x-3"].average_price) == ("complete", ASK)
    (trade,) = [each for each in client.trade_book() if each.order_id == filled.order_id]
    assert (trade.quantity, trade.price) == (LOT, ASK)
    assert client.positions()[0].quantity >= LOT


def test_what_the_broker_refuses_is_known_not_to_have_happened(at_broker: Broker) -> None:
    client = at_broker.client

    with pytest.raises(BrokerRefused, match="AB1009"):
        client.place(order(symboltoken="1"))
    with pytest.raises(BrokerRefused, match="AB4008"):
        client.place(order(ordertag="x" * 20))
    with pytest.raises(BrokerRefused, match="Limit Price Protection"):
        client.place(order(price="190.00"))
    with pytest.raises(BrokerRefused, match="AB1013"):
        client.cancel("NORMAL", "no such order")


@pytest.mark.parametrize(
    "fault", [Fault.LOSE, Fault.FAIL, Fault.DROP, Fault.MALFORMED, Fault.EMPTY]
)
def test_an_order_whose_answer_is_lost_is_sent_once_and_unknown(
    at_broker: Broker, fault: Fault
) -> None:
    client = at_broker.client
    client.login()
    before = len(at_broker.exchange.orders)
    at_broker.plan(fault, "placeOrder")

    with pytest.raises(BrokerUnavailable):
        client.place(order())

    arrived = len(at_broker.exchange.orders) - before
    assert arrived == (0 if fault in {Fault.LOSE, Fault.FAIL} else 1)
    assert at_broker.pauses == []


def test_a_throttled_order_is_not_repeated_and_has_not_happened(at_broker: Broker) -> None:
    before = len(at_broker.exchange.orders)
    at_broker.plan(Fault.THROTTLE, "placeOrder")

    with pytest.raises(BrokerThrottled):
        at_broker.client.place(order())

    assert len(at_broker.exchange.orders) == before
    assert at_broker.pauses == []


@pytest.mark.parametrize(
    "fault", [Fault.LOSE, Fault.FAIL, Fault.DROP, Fault.MALFORMED, Fault.EMPTY, Fault.THROTTLE]
)
def test_a_read_is_repeated_three_times_with_growing_pauses(
    at_broker: Broker, fault: Fault
) -> None:
    at_broker.client.login()
    at_broker.plan(fault, "getRMS", times=3)

    assert at_broker.client.funds().net > 0

    assert at_broker.pauses == [0.5, 1.0, 2.0]


def test_a_read_that_fails_four_times_has_failed(at_broker: Broker) -> None:
    at_broker.plan(Fault.FAIL, "getRMS", times=4)

    with pytest.raises(BrokerUnavailable):
        at_broker.client.funds()

    assert at_broker.client.funds().net > 0


def test_a_slow_answer_is_not_waited_for(at_broker: Broker) -> None:
    client = at_broker.another(timeout_seconds=0.3)
    client.login()
    at_broker.exchange.faults.slow_seconds = 3.0
    at_broker.plan(Fault.SLOW, "placeOrder")

    with pytest.raises(BrokerUnavailable, match="Timeout"):
        client.place(order())

    client.close()


def test_a_wrong_pin_is_refused_and_not_tried_again(at_broker: Broker) -> None:
    client = at_broker.another(pin="9999")

    with pytest.raises(BrokerLoginRefused):
        client.profile()

    assert at_broker.pauses == []
    client.close()


def test_an_order_is_sent_again_when_its_token_had_expired(at_broker: Broker) -> None:
    client = at_broker.client
    client.login()
    before, renewals = len(at_broker.exchange.orders), at_broker.exchange.sessions.renewals
    at_broker.plan(Fault.EXPIRE, "placeOrder")

    client.place(order())

    assert len(at_broker.exchange.orders) == before + 1
    assert at_broker.exchange.sessions.renewals == renewals + 1


def test_of_many_threads_one_renews_the_session(at_broker: Broker) -> None:
    client = at_broker.client
    client.login()
    sessions, token = at_broker.exchange.sessions, client.session.tokens()
    renewals, logins = sessions.renewals, sessions.logins
    at_broker.server.do(lambda each: each.sessions.expire(token.access))
    start = threading.Barrier(8)

    def read(_: int) -> bool:
        start.wait(60)
        return client.funds().net > 0

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(8)))

    assert (sessions.renewals, sessions.logins) == (renewals + 1, logins)


def test_a_session_that_cannot_be_renewed_is_started_anew(at_broker: Broker) -> None:
    client = at_broker.client
    client.login()
    logins, token = at_broker.exchange.sessions.logins, client.session.tokens()
    at_broker.server.do(lambda each: each.sessions.end(token.access))

    assert client.funds().net > 0

    assert at_broker.exchange.sessions.logins == logins + 1


def test_a_logout_ends_the_session_once(at_broker: Broker) -> None:
    client = at_broker.client
    client.login()
    logins, token = at_broker.exchange.sessions.logins, client.session.tokens()

    client.logout()
    client.logout()

    at_broker.client = client
    assert client.session.tokens() != token
    assert at_broker.exchange.sessions.logins == logins + 1


def test_nothing_that_is_logged_or_raised_shows_a_secret(
    at_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    known = at_broker.exchange.sessions.client
    caplog.set_level(logging.INFO)
    said: list[str] = []
    client = at_broker.client
    with structlog.testing.capture_logs() as events:
        client.login()
        token = client.session.tokens()
        for fault in (Fault.DROP, Fault.MALFORMED, Fault.EXPIRE):
            at_broker.plan(fault, "placeOrder")
            try:
                client.place(order())
            except BrokerError as error:
                said.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
    credentials = Credentials(known.code, known.api_key, known.pin, known.totp_secret)
    said += [repr(token), repr(credentials), str(events), caplog.text]

    shown = "\n".join(said)
    assert "broker_session.started" in shown
    for secret in (known.api_key, f"'{known.pin}'", known.totp_secret, token.access, token.refresh):
        assert secret not in shown


def test_tokens_and_credentials_do_not_show_themselves() -> None:
    assert repr(Tokens("a1", "b2", "c3")) == "Tokens()"
    assert "k1" not in repr(Credentials("A1", "k1", "p1", "t1"))


def test_a_shared_secret_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(BrokerLoginRefused) as caught:
        Credentials("A1", "k1", "p1", "not base 32!").totp(datetime(2026, 8, 25, tzinfo=UTC))

    assert "not base" not in str(caught.value)
