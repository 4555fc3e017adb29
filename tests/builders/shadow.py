"""Shadow mode over twins in memory, without a thread."""

from __future__ import annotations

from collections.abc import Callable

from angel_x.services.trading.paper_twins import PaperTwins
from angel_x.services.trading.shadow import HandOver, Shadow
from tests.builders.paper import Exchange
from tests.builders.recorders import RecordingMeter
from tests.fakes.twins import MemoryTwins


def quoting_exchange() -> Exchange:
    """Return a paper exchange that quotes 100.00 x 100.50, ten lots a side."""
    made = Exchange()
    made.quote()
    return made


def at_once(work: Callable[[], None]) -> bool:
    """Do work that is handed over."""
    work()
    return True


def twins_beside(exchange: Exchange, store: MemoryTwins | None = None) -> PaperTwins:
    """Return the twins of orders in the market of an exchange."""
    return PaperTwins(
        store=store or MemoryTwins(),
        market=exchange.market,
        clock=exchange.clock,
        market_clock=exchange.clock,
    )


def shadow_beside(
    exchange: Exchange,
    store: MemoryTwins | None = None,
    *,
    hand_over: HandOver = at_once,
    meter: RecordingMeter | None = None,
) -> Shadow:
    """Return a shadow in the market of an exchange."""
    return Shadow(
        twins_beside(exchange, store),
        hand_over=hand_over,
        meter=meter or RecordingMeter(),
        monotonic=lambda: exchange.clock().timestamp(),
        sleep=exchange.clock.advance,
    )
