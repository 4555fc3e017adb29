"""Connections to the API that are kept between calls, and end or are reset at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from angel_x import Client
from angel_x.errors import NotFound, Unavailable
from tests.builders.breaking import WITHIN, Breaker, Manner, Moment, breaking
from tests.unit.client.conftest import Script


@pytest.fixture
def breaker(script: Script) -> Iterator[Breaker]:
    with breaking(("127.0.0.1", urlsplit(script.url).port or 0)) as breaker:
        yield breaker


@pytest.fixture
def client(breaker: Breaker, pauses: list[float]) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{breaker.port}", "key", pause=pauses.append) as client:
        yield client


@pytest.fixture(autouse=True)
def _connected(client: Client, script: Script) -> None:
    script.answer(404, {})
    with pytest.raises(NotFound):
        client.order("1")
    script.requests.clear()


@pytest.mark.parametrize("manner", Manner)
def test_a_kept_connection_that_broke_costs_no_attempt(
    client: Client, script: Script, breaker: Breaker, pauses: list[float], manner: Manner
) -> None:
    breaker.break_next(Moment.IDLE, manner)
    script.answer(404, {})

    with pytest.raises(NotFound):
        client.cancel("7")

    assert (breaker.broken, breaker.made) == (1, 2)
    assert len(script.requests) == 1
    assert not pauses


@pytest.mark.parametrize(("moment", "manner"), WITHIN)
def test_what_may_be_done_twice_is_sent_again_when_the_connection_breaks(
    client: Client, script: Script, breaker: Breaker, moment: Moment, manner: Manner
) -> None:
    breaker.break_next(moment, manner)
    script.answer(404, {})
    script.answer(404, {})

    with pytest.raises(NotFound):
        client.order("7")

    assert breaker.broken == 1
    assert len(script.requests) == (1 if moment is Moment.IN_REQUEST else 2)


@pytest.mark.parametrize(("moment", "manner"), WITHIN)
def test_what_may_not_be_done_twice_is_not_sent_again(
    client: Client, script: Script, breaker: Breaker, moment: Moment, manner: Manner
) -> None:
    breaker.break_next(moment, manner)
    script.answer(200, {})

    with pytest.raises(Unavailable):
        client.cancel("7")

    assert breaker.broken == 1
    assert len(script.requests) == (0 if moment is Moment.IN_REQUEST else 1)


@pytest.mark.parametrize(("moment", "manner"), WITHIN)
def test_a_stream_that_breaks_off_is_opened_again(
    client: Client, script: Script, breaker: Breaker, moment: Moment, manner: Manner
) -> None:
    breaker.break_next(moment, manner)
    for _ in range(2):
        script.answer(200, b"id: 1-0\nevent: order\ndata: {}\n\n")

    assert next(client.stream()).id == "1-0"

    assert breaker.broken == 1
    assert len(script.requests) == (1 if moment is Moment.IN_REQUEST else 2)
