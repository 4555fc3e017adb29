"""The commands of `feed` against a feed that runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.calendar.session import IST
from angel_x.domain.feed.feed_state import FeedCommand, FeedVerb
from angel_x.services.market.feed import Feed
from tests.builders.markets import chain_text
from tests.builders.shells import Shell

PATIENCE_SECONDS = 60.0


@pytest.fixture
def shell(environ: dict[str, str]) -> Shell:
    return Shell(environ, "feed")


@pytest.fixture
def running(application: Application, tmp_path: Path) -> Iterator[None]:
    """A feed that replays a recorded minute of 19 August, 11:27, at a tenth of its speed."""
    recording = tmp_path / "chain.csv"
    recording.write_text(chain_text(), encoding="utf-8")
    application.market.contracts.load_file(recording)
    stop = Event()
    source = application.market.read_chain(recording)
    feed = Feed(source, application.market.feed_ports, buffer_size=100, speed=0.1, loops=True)
    thread = Thread(target=feed.run, args=(stop,))
    thread.start()
    pause = Event()
    while application.market.beacon.read() is None:
        pause.wait(0.02)
    yield
    stop.set()
    thread.join(120)
    assert not thread.is_alive()


def last(application: Application) -> list[int]:
    prices: list[int] = application.market.feed_ports.board.read(
        application.market.universes.current()
    )["last"].tolist()
    return prices


def await_market(application: Application, at: datetime) -> None:
    """Wait until market time stands: the clock keeps a state for a moment."""
    deadline, pause = monotonic() + PATIENCE_SECONDS, Event()
    while application.base.market_clock.at(application.base.clock() + timedelta(hours=1)) != at:
        assert monotonic() < deadline, "market time did not come to stand"
        pause.wait(0.02)


@pytest.mark.usefixtures("running")
def test_a_running_feed_is_paused_sought_in_and_resumed(
    application: Application, shell: Shell
) -> None:
    paused = shell.json("pause")
    assert (paused["source"], paused["state"], paused["speed"]) == ("replay", "paused", 0.1)

    forward = shell.json("seek", "11:28")
    assert forward["market_time"] == "2026-08-19T11:28:00+05:30"
    assert shell.json("status")["state"] == "paused"
    await_market(application, datetime(2026, 8, 19, 11, 28, tzinfo=IST))

    backward = shell.json("seek", "2026-08-19T11:27:30+05:30")
    assert backward["market_time"] == "2026-08-19T11:27:30+05:30"

    faster = shell.json("speed", "0.5")
    assert (faster["state"], faster["speed"]) == ("paused", 0.5)
    assert shell.json("resume")["state"] == "running"


@pytest.mark.usefixtures("running")
def test_the_board_follows_where_the_feed_is_sent(application: Application, shell: Shell) -> None:
    pause = Event()
    shell.json("pause")

    for moment, first in (("11:28", 15_340), ("11:27", 15_005)):
        shell.json("seek", moment)
        while last(application)[0] != first:
            pause.wait(0.02)


@pytest.mark.usefixtures("running")
def test_people_see_the_state_line_by_line(shell: Shell) -> None:
    shown = shell.run("status").stdout

    assert "state            running" in shown
    assert "gaps             0" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["speed", "0"], "must be from 0.001 to 100,000, was 0"),
        (["speed", "inf"], "must be from 0.001 to 100,000, was inf"),
        (["speed", "1e308"], "must be from 0.001 to 100,000, was 1e+308"),
        (["seek", "noonish"], "must be a time such as 11:30, was noonish"),
        (["seek", "9999-12-31T23:59"], "must be in the years 1990 to 2199, was 9999-12-31T18:29"),
    ],
)
@pytest.mark.usefixtures("running")
def test_what_makes_no_sense_is_not_sent(
    shell: Shell, application: Application, arguments: list[str], complaint: str
) -> None:
    result = shell.run(*arguments)

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert application.market.feed_commands.take() is None


@pytest.mark.parametrize("arguments", [["pause"], ["seek", "11:30"], ["status"], ["speed", "2"]])
def test_where_no_feed_runs_nothing_is_sent(
    shell: Shell, application: Application, arguments: list[str]
) -> None:
    result = shell.run(*arguments)

    assert result.exit_code == 1
    assert "no feed runs" in result.stderr
    assert application.market.feed_commands.take() is None


def test_commands_are_taken_once_and_in_their_order(application: Application) -> None:
    given = [
        FeedCommand(id="1", verb=FeedVerb.PAUSE),
        FeedCommand(id="2", verb=FeedVerb.SPEED, speed=2.0),
    ]
    for command in given:
        application.market.feed_commands.send(command)

    assert [application.market.feed_commands.take() for _ in range(3)] == [*given, None]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff",
        b"[]",
        b'{"id": "1", "verb": "explode"}',
        b'{"id": "1", "verb": "seek"}',
        b'{"id": "1", "verb": "seek", "at": "2026-08-19T11:30:00"}',
        b'{"id": "1", "verb": "seek", "at": "9999-12-31T11:30:00Z"}',
        b'{"id": "1", "verb": "speed", "speed": -1}',
        b'{"id": "1", "verb": "speed", "speed": 1e308}',
    ],
)
def test_a_command_that_makes_no_sense_is_dropped(
    application: Application, nonsense: bytes
) -> None:
    application.base.cache.rpush("ax:feed:commands", nonsense)

    assert application.market.feed_commands.take() is None
    assert application.base.cache.llen("ax:feed:commands") == 0
