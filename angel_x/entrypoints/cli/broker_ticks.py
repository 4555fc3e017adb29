"""The report of ``angel-x broker watch``: the latest tick of each instrument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from time import monotonic, sleep
from typing import TYPE_CHECKING

import msgspec

from angel_x.adapters.angel_one.market_frames import Instrument, Mode
from angel_x.adapters.angel_one.tick_book import TickBook
from angel_x.adapters.clock import wall_clock
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.values.money import rupees
from angel_x.entrypoints.presentation.indian import grouped, price
from angel_x.entrypoints.presentation.printing import print_json, show, table

if TYPE_CHECKING:
    import numpy as np

    from angel_x.adapters.angel_one.market_stream import MarketStream

_LOOK_SECONDS = 0.5
#: The longest wait for the first connection, before the time counts.
_PATIENCE_SECONDS, _POLL_SECONDS = 30.0, 0.05


class WatchedInstrument(msgspec.Struct, frozen=True):
    """The latest tick of an instrument; prices are rupees, sizes units."""

    token: str
    #: The exchange's time; None before the first tick.
    at: datetime | None
    bid: Decimal
    ask: Decimal
    last: Decimal
    bid_size: int
    ask_size: int
    open_interest: int
    volume: int


class WatchReport(msgspec.Struct, frozen=True):
    """The ticks of some seconds."""

    seconds: float
    ticks: int
    #: Connections that were made, over all of them.
    connections: int
    #: Frames that were dropped from the full queue.
    dropped: int
    #: Frames that made no sense, by reason.
    left_out: dict[str, int]
    #: Errors that the broker has reported, by code.
    errors: dict[str, int]
    instruments: list[WatchedInstrument]

    @property
    def reason(self) -> str:
        """The likely reason where no tick came."""
        if not self.connections:
            return "no connection was made"
        if self.errors:
            return f"the broker reported {', '.join(sorted(self.errors))}"
        return "the tokens may be wrong, or their market closed"


def watched(
    stream: MarketStream, instruments: Sequence[Instrument], seconds: float, *, as_json: bool
) -> WatchReport:
    """Watch a stream for some seconds after its first connection, and print the report."""
    book, ticks = TickBook(len(instruments)), 0
    with stream:
        stream.want([(Mode.SNAP_QUOTE, each) for each in instruments])
        _await_connection(stream)
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            found = stream.take(min(left, _LOOK_SECONDS))
            ticks += sum(len(each.places) for each in found.ticks)
            book.apply(found, epoch_ms(wall_clock()))
        report = _report(stream, seconds, ticks, [each.token for each in instruments], book)
    if as_json:
        print_json(report)
    else:
        show_report(report)
    return report


def _await_connection(stream: MarketStream) -> None:
    end = monotonic() + _PATIENCE_SECONDS
    while monotonic() < end and not any(state.is_connected for state in stream.states):
        sleep(_POLL_SECONDS)


def _report(
    stream: MarketStream, seconds: float, ticks: int, tokens: Sequence[str], book: TickBook
) -> WatchReport:
    states = stream.states
    return WatchReport(
        seconds=seconds,
        ticks=ticks,
        connections=sum(state.connections for state in states),
        dropped=stream.dropped,
        left_out={fault.value: count for fault, count in stream.faults.items()},
        errors={code: n for state in states for code, n in state.errors.items()},
        instruments=[
            _instrument(token, quote) for token, quote in zip(tokens, book.quotes, strict=True)
        ],
    )


def _instrument(token: str, quote: np.void) -> WatchedInstrument:
    time = int(quote["time"])
    return WatchedInstrument(
        token=token,
        at=datetime.fromtimestamp(time / 1000, UTC) if time else None,
        **{name: rupees(int(quote[name])) for name in ("bid", "ask", "last")},
        bid_size=int(quote["bid_size"]),
        ask_size=int(quote["ask_size"]),
        open_interest=int(quote["oi"]),
        volume=int(quote["volume"]),
    )


def show_report(report: WatchReport) -> None:
    columns = (
        "token",
        "at (IST)",
        ">bid",
        ">ask",
        ">last",
        ">bid size",
        ">ask size",
        ">OI",
        ">volume",
    )
    rows = [
        (
            each.token,
            f"{each.at.astimezone(IST):%H:%M:%S.%f}"[:-3] if each.at else "no tick",
            *(price(amount) for amount in (each.bid, each.ask, each.last)),
            *(grouped(n) for n in (each.bid_size, each.ask_size, each.open_interest, each.volume)),
        )
        for each in report.instruments
    ]
    left_out = sum(report.left_out.values())
    show(
        table(f"{grouped(report.ticks)} ticks in {report.seconds:g} s", columns, rows),
        f"Connections made: {report.connections}.  Dropped: {report.dropped}.  Left out: {left_out}.",
    )
