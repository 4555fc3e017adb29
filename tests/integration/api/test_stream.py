from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from itertools import islice

import numpy as np
import pytest
import structlog

from angel_x import Client
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.pricing.greek import GREEK_FIELDS
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.records.live_event import BEGINNING, StreamEvent
from angel_x.errors import InvalidRequest, Unauthorized
from tests.builders.deadlines import DEADLINE_SECONDS, begin, within
from tests.integration.api.running import RunningApi, wait_until


def first_events(client: Client, count: int, after: str) -> list[StreamEvent]:
    """Return the first events of a stream, and close it."""
    return within(lambda: list(islice(client.stream(after), count)))


def event(user_id: int, kind: str = "order", **body: object) -> dict[str, object]:
    return {"user_id": user_id, "kind": kind, **body}


def test_an_account_hears_its_own_events_and_alerts_only(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    user_id, _ = account
    events = api.application.base.events
    heard = begin(lambda: list(islice(client.stream("0-0"), 2)))

    events.publish([event(user_id + 1), event(user_id, order_id="7"), event(0, "alert")])

    first, second = heard.result(DEADLINE_SECONDS)
    assert (first.kind, first.body) == ("order", {"order_id": "7"})
    assert second.kind == "alert"


def test_a_listener_resumes_after_the_last_event_that_it_heard(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    user_id, _ = account
    api.application.base.events.publish([event(user_id, n=n) for n in range(5)])
    read = first_events(client, 2, "0-0")

    rest = first_events(client, 3, read[-1].id)

    assert [e.body["n"] for e in read + rest] == [0, 1, 2, 3, 4]


def test_a_portfolio_is_heard_with_an_id_after_which_orders_resume(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    user_id, _ = account
    events = api.application.base.events
    events.publish([event(user_id, n=0)])
    stream = client.stream(BEGINNING)
    before = within(lambda: next(stream))
    heard = begin(lambda: next(stream))
    events.publish([event(user_id, "portfolio"), event(user_id + 1, "portfolio")])
    state = heard.result(DEADLINE_SECONDS)
    events.publish([event(user_id, n=1)])

    (following,) = first_events(client, 1, state.id)

    assert (state.kind, state.id) == ("portfolio", before.id)
    assert following.body["n"] == 1


def test_a_listener_is_told_that_events_after_its_id_are_not_held(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    user_id, _ = account
    events = api.application.base.events
    events.publish([event(user_id, n=0)])
    known = events.position(user_id)
    api.application.base.cache.flushdb()
    events.publish([event(user_id, n=1)])

    for after in (known, "1-0", "9999999999999-0"):
        gap, held = first_events(client, 2, after)
        assert (gap.kind, gap.body) == ("gap", {"after": after})
        assert (held.kind, held.body["n"]) == ("order", 1)
    (resumed,) = first_events(client, 1, gap.id)
    assert resumed.body["n"] == 1


def test_a_listener_that_reads_too_slowly_is_told_so_and_resumes(
    api: RunningApi, account: tuple[int, str], client: Client
) -> None:
    user_id, key = account
    events = api.application.base.events
    response = api.http.request(
        "GET",
        f"{api.url}/v1/stream",
        headers={"Authorization": f"Bearer {key}", "Last-Event-ID": BEGINNING},
        preload_content=False,
    )
    with structlog.testing.capture_logs() as logged:

        def is_dropped() -> bool:
            events.publish([event(user_id, padding="x" * 4_000) for _ in range(200)])
            return any(entry["event"] == "stream.dropped" for entry in logged)

        wait_until(is_dropped)
    read = within(response.read).decode()

    *_, last = read.strip().split("\n\n")
    resumed_at, kind, body = (line.partition(": ")[2] for line in last.split("\n"))
    assert (kind, body) == ("dropped", '{"reason":"slow_reader"}')
    events.publish([event(user_id)])
    (resumed,) = first_events(client, 1, resumed_at)
    assert resumed.kind == "order"
    response.close()


def test_the_keys_of_open_streams_are_read_once_a_second_and_not_by_line(
    api: RunningApi,
    account: tuple[int, str],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user_id, _ = account
    events = api.application.base.events
    stream = client.stream(BEGINNING)
    events.publish([event(user_id)])
    within(lambda: next(stream))
    read = api.application.people.access.renew
    renewals: list[list[str]] = []

    def renew(prefixes: list[str]) -> None:
        renewals.append(prefixes)
        read(prefixes)

    monkeypatch.setattr(api.application.people.access, "renew", renew)
    wait_until(lambda: len(renewals) >= 2)
    look_ups: list[str] = []
    monkeypatch.setattr(api.application.people.access, "authenticate", look_ups.append)

    events.publish([event(user_id, n=n) for n in range(100)])

    assert len(within(lambda: list(islice(stream, 100)))) == 100
    assert look_ups == []
    assert len(renewals[0]) == 1


def test_watched_contracts_are_heard_with_open_interest_and_greeks(
    api: RunningApi, client: Client
) -> None:
    market = api.application.market
    universe = market.universes.current()
    rows = np.array([0, 1])
    quotes = np.zeros(2, QUOTE)
    now_ms = epoch_ms(api.application.base.clock())
    quotes["time"], quotes["last"], quotes["oi"] = now_ms, 10_000, 650
    market.quotes.write(universe, rows, quotes)
    chain = universe.chains[0]
    columns = np.full((len(GREEK_FIELDS), chain.stop - chain.start), 0.5, np.float32)
    market.greeks_board.write(universe, 0, columns, now_ms)
    updates = client.quotes(universe.symbols[:2])

    first = within(lambda: next(updates))
    quotes["last"][1] = 10_005
    market.quotes.write(universe, rows, quotes)
    moved = within(lambda: next(update for update in updates if update.contracts))

    assert [(c.symbol, c.oi, c.delta) for c in first.contracts] == [
        (symbol, 650, 0.5) for symbol in reversed(universe.symbols[:2])
    ]
    assert [(c.symbol, c.last) for c in moved.contracts] == [
        (universe.symbols[1], Decimal("100.05"))
    ]


def test_a_watch_of_contracts_that_are_not_listed_is_refused(client: Client) -> None:
    with pytest.raises(InvalidRequest) as refused:
        next(client.quotes(["NIFTY_99XXX99_1CE"]))

    assert [(f.field, f.value) for f in refused.value.faults] == [("watch", "NIFTY_99XXX99_1CE")]


def test_a_submitted_and_canceled_order_is_heard(client: Client, order: dict[str, object]) -> None:
    heard = begin(lambda: next(client.stream("0-0")))

    (receipt,) = client.submit(order)
    client.cancel(receipt.order_id)

    told = heard.result(DEADLINE_SECONDS)
    assert told.body["order_id"] == receipt.order_id
    assert told.body["status"] == "canceled"


def test_a_wrong_key_hears_nothing(api: RunningApi) -> None:
    with Client(api.url, "wrong") as client, pytest.raises(Unauthorized):
        within(lambda: next(client.stream()))


def test_the_stream_of_a_revoked_key_ends(api: RunningApi, account: tuple[int, str]) -> None:
    user_id, key = account
    with Client(api.url, key, pause=lambda _: None) as client:
        stream = client.stream("0-0")
        api.application.base.events.publish([event(user_id)])
        assert within(lambda: next(stream)).kind == "order"
        api.application.people.access.revoke(key.split("_")[1])
        wait_until(lambda: api.application.people.access.remembered(key) is None)
        with structlog.testing.capture_logs() as logged:
            ended = begin(lambda: next(stream))
            api.application.base.events.publish([event(user_id)])

            with pytest.raises(Unauthorized):
                ended.result(DEADLINE_SECONDS)
        assert [entry for entry in logged if entry["event"] == "request.failed"] == []


def test_an_open_stream_does_not_hold_up_the_end_of_the_server(
    start_api: Callable[..., RunningApi],
) -> None:
    api = start_api()
    _, key = api.open_account("listener")
    opened = threading.Event()

    def listen() -> None:
        response = api.http.request(
            "GET",
            f"{api.url}/v1/stream",
            headers={"Authorization": f"Bearer {key}"},
            preload_content=False,
        )
        for _ in response.stream():
            opened.set()

    listener = begin(listen)
    assert opened.wait(DEADLINE_SECONDS)

    api.stop()

    listener.result(DEADLINE_SECONDS)
