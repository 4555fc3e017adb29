"""The broker's market as a source of the feed, at a fake exchange."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from angel_x.adapters.angel_one import live_market, market_socket
from angel_x.adapters.angel_one.instrument_tokens import INDICES
from angel_x.adapters.angel_one.live_market import LiveMarket
from angel_x.adapters.angel_one.market_frames import Instrument, Mode
from angel_x.adapters.angel_one.market_socket import Subscription
from angel_x.adapters.angel_one.market_stream import MarketStream
from angel_x.adapters.clock import wall_clock
from angel_x.domain.feed.market_move import MarketMove
from angel_x.rehearsal.fake_exchange import market_socket as exchange_socket
from angel_x.rehearsal.fake_exchange.faults import Fault
from tests.builders.broker import LOT, Broker, broker, socket_endpoint
from tests.builders.chains import make_universe

UNIVERSE = make_universe(("NIFTY", "ODDS"), strikes=(23_900, 24_000, 24_100))
NIFTY, ODDS = (UNIVERSE.underlyings.index(name) for name in ("NIFTY", "ODDS"))
#: The first contracts of NIFTY have tokens, the others none.
TOKENS = {
    symbol: Instrument(2, str(50_000 + row))
    for row, symbol in enumerate(UNIVERSE.symbols)
    if symbol.startswith("NIFTY")
}
FIRST = next(iter(TOKENS))


@pytest.fixture(scope="module")
def served() -> Iterator[Broker]:
    with broker() as found:
        quote(found, INDICES["NIFTY"].token, "24010.00")
        for row, instrument in enumerate(TOKENS.values()):
            quote(found, instrument.token, f"{100 + row}.00")
        yield found


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_socket, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(exchange_socket, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(live_market, "_PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(live_market, "_GATHER_SECONDS", 0.2)


def quote(served: Broker, token: str, bid: str) -> None:
    price = Decimal(bid)
    served.server.do(lambda each: each.matching.quote(token, price, price + 1, LOT))


def market(served: Broker, held: Sequence[str] = ()) -> LiveMarket:
    return LiveMarket(
        UNIVERSE,
        TOKENS,
        open_stream=partial(MarketStream, socket_endpoint(served)),
        find_held=lambda: held,
        clock=wall_clock,
        monotonic=time.monotonic,
    )


def until_bid(moves: Iterator[MarketMove], symbol: str, paise: int) -> MarketMove:
    deadline = time.monotonic() + 60
    for move in moves:
        found = dict(zip(move.rows.tolist(), move.quotes["bid"].tolist(), strict=True))
        if found.get(UNIVERSE.rows[symbol]) == paise:
            return move
        assert time.monotonic() < deadline
    raise AssertionError("the market has no end")


def test_the_first_move_is_the_market_and_others_follow_its_ticks(served: Broker) -> None:
    source = market(served)
    moves = source.moves()

    first = next(moves)
    assert source.has_market
    assert {UNIVERSE.symbol(row) for row in first.rows.tolist()} <= TOKENS.keys()
    assert len(first.rows) > 0
    assert (first.spots["last"][NIFTY], first.spots["last"][ODDS]) == (2_401_050, 0)
    assert not first.quotes["time"].any()
    quote(served, TOKENS[FIRST].token, "111.00")
    later = until_bid(moves, FIRST, 11_100)
    assert later.at >= first.at
    moves.close()
    assert not source.has_market


def test_a_market_whose_connection_is_lost_is_none_and_comes_back(
    served: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_socket, "_FIRST_PAUSE_SECONDS", 1.0)
    source = market(served)
    moves = source.moves()
    next(moves)

    served.plan(Fault.HANG_UP, "tick")
    deadline = time.monotonic() + 60
    while source.has_market:
        next(moves)
        assert time.monotonic() < deadline
    quote(served, TOKENS[FIRST].token, "112.00")
    until_bid(moves, FIRST, 11_200)
    moves.close()


def test_the_choice_follows_what_is_held(served: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_market, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(live_market, "MOST_SUBSCRIPTIONS", 3)
    monkeypatch.setattr(live_market, "_CHOICE_SECONDS", 0.0)
    held = [next(symbol for symbol in TOKENS if "_24100PE" in symbol), "GONE_25AUG26_1CE"]
    wanted: list[Sequence[Subscription]] = []
    stream_of = partial(MarketStream, socket_endpoint(served))

    def open_stream(instruments: Sequence[Instrument]) -> MarketStream:
        stream = stream_of(instruments)
        want = stream.want

        def noted(given: Sequence[Subscription]) -> None:
            wanted.append(given)
            want(given)

        monkeypatch.setattr(stream, "want", noted)
        return stream

    source = LiveMarket(
        UNIVERSE,
        TOKENS,
        open_stream=open_stream,
        find_held=lambda: held,
        clock=wall_clock,
        monotonic=time.monotonic,
    )
    moves = source.moves()
    next(moves)
    next(moves)
    moves.close()

    assert all(len(each) == 3 for each in wanted)
    assert all((Mode.QUOTE, INDICES["NIFTY"]) in each for each in wanted)
    assert all((Mode.SNAP_QUOTE, TOKENS[held[0]]) in each for each in wanted)
    assert len(wanted) >= 2


def test_market_time_never_goes_back(served: Broker) -> None:
    now = datetime(2026, 8, 19, 7, tzinfo=UTC)
    times = iter([now, now, now - timedelta(seconds=5), now + timedelta(seconds=1)])
    source = LiveMarket(
        UNIVERSE,
        TOKENS,
        open_stream=partial(MarketStream, socket_endpoint(served)),
        find_held=list,
        clock=lambda: next(times),
        monotonic=time.monotonic,
    )
    moves = source.moves(since=now)

    found = [next(moves).at for _ in range(3)]
    moves.close()

    assert found == [now, now, now + timedelta(seconds=1)]


def test_other_contracts_are_quoted_with_the_same_tokens(served: Broker) -> None:
    narrow = make_universe(("NIFTY",), strikes=(24_000,))

    source = market(served).relisted(narrow)
    moves = source.moves()
    first = next(moves)
    moves.close()

    assert source.universe is narrow
    assert set(first.rows.tolist()) == set(range(len(narrow)))
