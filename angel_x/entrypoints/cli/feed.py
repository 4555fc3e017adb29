"""The feed: run it, send commands to the running one, show its state."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime, time
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from angel_x.adapters.logging import configure_logging
from angel_x.bootstrap import build
from angel_x.domain.calendar.session import IST
from angel_x.domain.feed.feed_state import FeedCommand, FeedState, FeedVerb, checked_moment
from angel_x.domain.values.moment import in_utc
from angel_x.entrypoints import feed as process
from angel_x.entrypoints.cli.numbers import Real
from angel_x.entrypoints.cli.options import as_json, at_speed, checked_speed, recorded_day, seeded
from angel_x.entrypoints.cli.processes import start_own_metrics
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import print_json
from angel_x.services.operations.memory import MemoryReporter
from config.loading import load

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.contracts.universe import Universe
    from angel_x.services.market.feed_ports import MarketSource
    from config.settings import Settings

#: The wait for a command; the feed reads commands twenty times a second.
_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.02


@click.group(invoke_without_command=True)
@click.option(
    "--source",
    type=click.Choice([name.value for name in process.SourceName]),
    default="simulator",
    show_default=True,
)
@click.option("--chain", type=click.Path(path_type=Path), help="The recording to replay.")
@click.option(
    "--master",
    type=click.Path(path_type=Path),
    help="The broker's scrip master; trading symbols and tokens of its contracts are stored.",
)
@seeded("Random seed of the simulator.")
@at_speed
@click.option("--loop", is_flag=True, help="Repeat a recording at its end.")
@recorded_day
@click.pass_context
def feed(
    context: click.Context,
    source: str,
    chain: Path | None,
    master: Path | None,
    seed: int,
    speed: float,
    day: datetime | None,
    *,
    loop: bool,
) -> None:
    """Run the feed until a signal, or send a command to the running feed."""
    if context.invoked_subcommand is not None:
        return
    choice = process.FeedChoice(
        source=process.SourceName(source),
        chain=chain,
        master=master,
        seed=seed,
        speed=speed,
        loops=loop,
        day=None if day is None else day.date(),
    )
    settings = load(os.environ)
    configure_logging(settings, "feed")
    start_own_metrics(settings)
    with closing(build(settings, role="feed")) as app:
        MemoryReporter(app.operations.memory_watch).start()
        process.run(
            app.market.feed_ports,
            choice,
            read_chain=app.market.read_chain,
            open_broker=partial(_open_broker, settings, app),
            buffer_size=settings.market_data_buffer_size,
            is_live=settings.is_live,
        )


def _open_broker(
    settings: Settings, app: Application, master: Path, universe: Universe
) -> MarketSource:
    from angel_x.bootstrap.broker import build_live_market  # noqa: PLC0415 - only this source needs it

    return build_live_market(settings, app.base, master, universe)


@feed.command()
@as_json
def pause(*, as_json: bool) -> None:
    """Stop market time and quotes."""
    _tell(FeedVerb.PAUSE, as_json=as_json)


@feed.command()
@as_json
def resume(*, as_json: bool) -> None:
    """Continue market time from where it stopped."""
    _tell(FeedVerb.RESUME, as_json=as_json)


@feed.command("speed")
@click.argument("factor", type=Real(), callback=checked_speed)
@as_json
def change_speed(factor: float, *, as_json: bool) -> None:
    """Run at FACTOR market seconds per second from now on."""
    _tell(FeedVerb.SPEED, speed=factor, as_json=as_json)


@feed.command()
@click.argument("moment", metavar="TIME")
@as_json
def seek(moment: str, *, as_json: bool) -> None:
    """Go to TIME of the market, forward or backward: 11:30, 11:30:15 or 2026-08-19T11:30.

    A time without a zone is Indian.  A recording shows the quotes of that time, a simulated market
    keeps its spots.  Orders keep their state.
    """
    with application() as app:
        running = _running(app)
        at = _moment(moment, running.market.astimezone(IST))
        _send(app, FeedCommand(id=uuid4().hex, verb=FeedVerb.SEEK, at=at), as_json=as_json)


@feed.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show market time, speed, delay, gaps and stale contracts of the feed."""
    with application() as app:
        _show(_running(app), as_json=as_json)


def _tell(verb: FeedVerb, *, as_json: bool, speed: float | None = None) -> None:
    with application() as app:
        _running(app)
        command = FeedCommand(id=uuid4().hex, verb=verb, speed=speed)
        _send(app, command, as_json=as_json)


def _running(app: Application) -> FeedState:
    state = app.market.beacon.read()
    if state is None:
        raise click.ClickException("no feed runs")
    return state


def _send(app: Application, command: FeedCommand, *, as_json: bool) -> None:
    """Send a command and show the state of the feed once it is executed."""
    app.market.feed_commands.send(command)
    deadline, pause = monotonic() + _PATIENCE_SECONDS, Event()
    while (state := _running(app)).obeyed != command.id:
        if monotonic() > deadline:
            raise click.ClickException("the feed did not take the command: is it busy or stopped?")
        pause.wait(_POLL_SECONDS)
    _show(state, as_json=as_json)


def _moment(text: str, market: datetime) -> datetime:
    """Parse a time, by default of the day of ``market`` and in India; return it in UTC."""
    try:
        moment = datetime.combine(market.date(), time.fromisoformat(text))
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise click.BadParameter(f"must be a time such as 11:30, was {text}") from None
    try:
        return checked_moment(in_utc(moment if moment.tzinfo else moment.replace(tzinfo=IST)))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _show(state: FeedState, *, as_json: bool) -> None:
    shown = {
        "source": state.source,
        "state": "paused" if state.is_paused else "running",
        "market_time": state.market.astimezone(IST).isoformat(timespec="seconds"),
        "hours": "around the clock" if state.is_continuous else "exchange",
        "speed": state.speed,
        "lag_seconds": round(state.lag_seconds, 3),
        "gaps": state.gaps,
        "stale_contracts": state.stale_contracts,
    }
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name.replace('_', ' '):<16} {value}")
