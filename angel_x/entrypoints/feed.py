"""The feed process: builds the chosen source and runs it until a signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from angel_x.domain.feed.simulator import Simulator, central_strikes
from angel_x.entrypoints.signals import stopped_by_signal
from angel_x.errors import InvalidInput
from angel_x.services.market.feed import Feed
from angel_x.services.market.feed_ports import FeedPorts, MarketSource, ReadChain

if TYPE_CHECKING:
    from angel_x.domain.contracts.universe import Universe


class SourceName(StrEnum):
    SIMULATOR = "simulator"
    REPLAY = "replay"
    ANGEL_ONE = "angel-one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedChoice:
    """The source of the feed: a replay needs ``chain``, the broker ``master``; the simulator uses ``seed``."""

    source: SourceName = SourceName.SIMULATOR
    chain: Path | None = None
    master: Path | None = None
    seed: int = 1
    speed: float = 1.0
    loops: bool = False
    #: The day of the recording to replay, until it ends; None for all of it.
    day: date | None = None


def run(
    ports: FeedPorts,
    choice: FeedChoice,
    *,
    read_chain: ReadChain,
    open_broker: Callable[[Path, Universe], MarketSource],
    buffer_size: int,
    is_live: bool = False,
    stop: Event | None = None,
) -> None:
    """Feed until SIGTERM, SIGINT or ``stop``, or to the end of a recording that does not loop.

    It handles signals, so it must be called from the main thread.

    Raises:
        InvalidInput: The choice is incomplete, its file is invalid, or orders trade live and these are
            not the quotes of the broker.
    """
    if is_live and choice.source is not SourceName.ANGEL_ONE:
        raise InvalidInput(
            "live trading needs the quotes of the broker: --source angel-one --master FILE",
            field="source",
            value=choice.source,
        )
    source = _source(ports, choice, read_chain, open_broker)
    feed = Feed(
        source,
        ports,
        buffer_size=buffer_size,
        speed=choice.speed,
        loops=choice.loops,
        stands=choice.day is not None,
    )
    with stopped_by_signal(stop or Event()) as event:
        feed.run(event)


def _source(
    ports: FeedPorts,
    choice: FeedChoice,
    read_chain: ReadChain,
    open_broker: Callable[[Path, Universe], MarketSource],
) -> MarketSource:
    try:
        if choice.source is SourceName.REPLAY:
            chain = _needed(choice.chain, "a replay needs a chain file")
            return read_chain(chain, day=choice.day)
        if choice.source is SourceName.ANGEL_ONE:
            if choice.speed != 1.0 or choice.loops:
                raise InvalidInput("the market of the broker has one speed and no end")
            master = _needed(choice.master, "the market of the broker needs a scrip master")
            return open_broker(master, ports.universes.current())
    except OSError as error:
        raise InvalidInput(f"the file cannot be read: {error}") from error
    universe = ports.universes.current()
    spots = central_strikes(universe)
    return Simulator(universe, spots, seed=choice.seed, starts_at=ports.clock())


def _needed(path: Path | None, need: str) -> Path:
    if path is None:
        raise InvalidInput(f"{need}, was none")
    return path
