"""The desk between transactions in memory and a venue."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.margin.unit_risk import no_risks
from angel_x.domain.operations.span import Tracer
from angel_x.services.ports import Clock, Meter
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.trading.traced_transactions import TracedTransactions
from angel_x.services.trading.transaction import Transactions
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.units import Units
from tests.builders.recorders import RecordingMeter


def venue_desk(
    units: Units,
    venue: Venue,
    aftermath: Aftermath,
    clock: Clock,
    *,
    risks: Risks = no_risks,
    meter: Meter | None = None,
    monotonic: Callable[[], float] | None = None,
    transient: tuple[type[Exception], ...] = (),
    tracer: Tracer | None = None,
) -> VenueDesk:
    """Return a desk; without a clock of its own each look at one takes a second."""
    ticks = count(1)
    monotonic = monotonic or (lambda: float(next(ticks)))
    tell = aftermath.tell
    return VenueDesk(
        transactions=(
            Transactions(units=units, tell=tell, monotonic=monotonic)
            if tracer is None
            else TracedTransactions(units=units, tell=tell, monotonic=monotonic, tracer=tracer)
        ),
        venue=venue,
        risks=risks,
        market_clock=clock,
        meter=meter or RecordingMeter(),
        monotonic=time.monotonic,
        transient=transient,
    )
