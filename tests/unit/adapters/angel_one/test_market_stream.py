"""The market data of the fake exchange over its socket: subscribed, spread, cut, refused and made anew."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from angel_x.adapters.angel_one import market_socket
from angel_x.adapters.angel_one.credentials import Credentials, Tokens
from angel_x.adapters.angel_one.market_frames import Fault, Instrument, Mode
from angel_x.adapters.angel_one.market_socket import FrameQueue, MarketSocket, SocketEndpoint
from angel_x.adapters.angel_one.market_stream import MarketStream, _numbered
from angel_x.rehearsal.fake_exchange import market_socket as exchange_socket
from angel_x.rehearsal.fake_exchange.faults import Fault as ExchangeFault
from tests.builders.broker import ASK, BID, CALL, LOT, Broker, broker, socket_endpoint

INSTRUMENT = Instrument(2, CALL.token)


@pytest.fixture(scope="module")
def served() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(market_socket, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(exchange_socket, "_PAUSE_SECONDS", 0.01)


@contextmanager
def subscribed(served: Broker, *instruments: Instrument) -> Iterator[MarketStream]:
    """Open a stream of snapshots."""
    wanted = instruments or (INSTRUMENT,)
    with MarketStream(socket_endpoint(served), wanted) as stream:
        stream.want([(Mode.SNAP_QUOTE, each) for each in wanted])
        yield stream


def quote(served: Broker, bid: str) -> None:
    price = Decimal(bid)
    served.server.do(lambda each: each.matching.quote(CALL.token, price, price + 1, 2 * LOT))


def until(stream: MarketStream, found: Callable[[], object], seconds: float = 60) -> None:
    """Take ticks until something is so."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        stream.take(0.05)


def bids(stream: MarketStream, wanted: int, seconds: float = 60) -> None:
    """Take ticks until one has this bid, in paise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for ticks in stream.take(0.2).ticks:
            if wanted in ticks.quotes["bid"]:
                return
    raise AssertionError(f"no tick with a bid of {wanted}")


def test_a_subscription_brings_the_quote_and_each_that_follows(served: Broker) -> None:
    served.server.do(lambda each: each.quote_all(BID, ASK, 100 * LOT))
    with subscribed(served) as stream:
        bids(stream, int(BID * 100))
        quote(served, "101.25")
        bids(stream, 10_125)

    assert stream.states[0].connections == 1
    assert (dict(stream.faults), stream.dropped) == ({}, 0)


def test_a_connection_that_ends_is_made_anew_with_its_subscriptions(served: Broker) -> None:
    with subscribed(served) as stream:
        until(stream, lambda: stream.states[0].is_connected)
        served.plan(ExchangeFault.HANG_UP, "tick")
        until(stream, lambda: stream.states[0].connections == 2)
        quote(served, "102.00")
        bids(stream, 10_200)


def test_a_token_that_has_ended_is_renewed(served: Broker) -> None:
    found = socket_endpoint(served)
    served.server.do(lambda each: each.sessions.expire(found.tokens().access))

    with MarketStream(found, [INSTRUMENT]) as stream:
        stream.want([(Mode.LAST, INSTRUMENT)])
        until(stream, lambda: stream.states[0].is_connected)

    assert served.exchange.sessions.renewals


def test_a_frame_that_is_cut_short_is_counted_by_its_reason(served: Broker) -> None:
    with subscribed(served) as stream:
        until(stream, lambda: stream.states[0].is_connected)
        served.plan(ExchangeFault.MALFORMED, "tick")
        quote(served, "103.00")
        until(stream, lambda: stream.faults[Fault.LENGTH] == 1)
        quote(served, "104.00")
        bids(stream, 10_400)


def test_a_refused_subscription_is_counted_by_its_code(
    served: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.exchange.faults, "subscriptions", 1)
    two = [INSTRUMENT, Instrument(2, "40002")]

    with subscribed(served, *two) as stream:
        until(stream, lambda: stream.states[0].errors["E1002"] == 1)


def test_a_socket_that_is_silent_is_given_up(
    served: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_socket, "_SILENCE_SECONDS", 0.3)
    nobody = Instrument(2, "999")

    with subscribed(served, nobody) as stream:
        until(stream, lambda: stream.states[0].connections >= 2)


def test_an_answered_ping_is_a_sign_of_life(
    served: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_socket, "_PING_SECONDS", 0.0)
    nobody = Instrument(2, "999")

    with subscribed(served, nobody) as stream:
        until(stream, lambda: stream.states[0].is_connected)
        first = stream.states[0].heard_at
        until(stream, lambda: stream.states[0].heard_at > first)


def test_what_is_closed_is_called_back() -> None:
    closed: list[bool] = []
    nowhere = SocketEndpoint(
        "ws://127.0.0.1:1/",
        Credentials("c", "k", "p", "t"),
        lambda: Tokens("a", "r", "f"),
        lambda t: t,
    )

    with MarketStream(nowhere, [INSTRUMENT], on_close=lambda: closed.append(True)) as stream:
        stream.want([(Mode.LAST, INSTRUMENT)])
        assert stream.take(0.05).ticks == []

    assert closed == [True]
    assert not stream.has_market


def test_subscriptions_follow_while_the_connection_stands(served: Broker) -> None:
    other = Instrument(2, "40002")
    served.server.do(lambda each: each.quote_all(BID, ASK, 100 * LOT))
    with MarketStream(socket_endpoint(served), [INSTRUMENT, other]) as stream:
        stream.want([(Mode.LAST, INSTRUMENT)])
        until(stream, lambda: stream.has_market)

        stream.want([(Mode.SNAP_QUOTE, other)])

        bids(stream, int(BID * 100))
        quote(served, "105.00")
        with pytest.raises(AssertionError, match="no tick"):
            bids(stream, 10_500, 0.3)
        assert stream.states[0].connections == 1


def test_a_subscription_keeps_its_connection_and_new_ones_go_where_there_is_room() -> None:
    many = [(Mode.LAST, Instrument(2, str(n))) for n in range(2_500)]
    first = _numbered(many[:2_100], {})

    assert Counter(first.values()) == {0: 1_000, 1: 1_000, 2: 100}

    # Fifty of the first connection have gone, and five hundred have come.
    second = _numbered(many[50:], first)

    assert all(second[each] == first[each] for each in many[50:2_100])
    assert Counter(second.values()) == {0: 1_000, 1: 1_000, 2: 450}


def test_more_than_all_connections_take_are_refused(served: Broker) -> None:
    many = [(Mode.LAST, Instrument(2, str(n))) for n in range(3_001)]

    with pytest.raises(ValueError, match=r"at most 3000, were 3001"):
        MarketStream(socket_endpoint(served), []).want(many)


def test_one_connection_refuses_more_than_it_takes(served: Broker) -> None:
    many = [(Mode.LAST, Instrument(2, str(n))) for n in range(1_001)]

    with pytest.raises(ValueError, match=r"at most 1000, were 1001"):
        MarketSocket(socket_endpoint(served), FrameQueue()).want(many)


def test_frames_that_nobody_takes_give_way_to_newer_ones() -> None:
    queue = FrameQueue(most=2)
    for frame in (b"1", b"2", b"3"):
        queue.put(frame)

    assert (queue.take(0), queue.dropped, queue.take(0)) == ([b"2", b"3"], 1, [])


@pytest.mark.parametrize(("failures", "longest"), [(0, 0.01), (3, 0.08), (50, 10.24), (900, 10.24)])
def test_pauses_grow_to_a_bound(failures: int, longest: float) -> None:
    pauses = [market_socket._pause(failures) for _ in range(50)]

    assert all(longest / 2 <= pause <= longest for pause in pauses)
