"""The watch over a feed: gaps, stale contracts, delay."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from angel_x.domain.feed.gaps import Gap, GapKind, GapWatch, StaleWatch
from angel_x.domain.operations.metric import Metric

if TYPE_CHECKING:
    from angel_x.domain.feed.market_move import MarketMove
    from angel_x.services.market.feed_ports import FeedPorts, MarketSource
    from angel_x.services.market.quoting import Quoting

log = structlog.get_logger()


class FeedWatch:
    """Measures gaps, stale contracts and delay of one source."""

    def __init__(self, source: MarketSource, ports: FeedPorts) -> None:
        self._meter = ports.meter
        self._calendar = ports.calendar
        self.change(source)
        self.gaps = 0
        self.stale_contracts = 0
        #: The delay of the last move, in seconds of the wall clock.
        self.lag_seconds = 0.0
        self._dropped = 0
        for kind in GapKind:
            # Prometheus sees an increase only from an existing value.
            self._meter.add(Metric.FEED_GAPS, 0, kind=kind.value)

    def change(self, source: MarketSource) -> None:
        """Watch another source from now on; counts are kept."""
        self._name = source.name
        self._gap_watch = GapWatch(source.cadence, self._calendar)
        self._stale_watch = StaleWatch(len(source.universe), source.cadence, self._calendar)

    def begin(self, market: datetime) -> None:
        """Forget the former moves: the source restarts."""
        self._gap_watch.begin()
        self._stale_watch.begin(market)

    def hear(self, move: MarketMove, lag_seconds: float) -> None:
        """Record a move and its delay."""
        self.lag_seconds = lag_seconds
        self._meter.add(Metric.MARKET_TICKS, len(move.rows))
        self._stale_watch.hear(move)
        self._report(self._gap_watch.hear(move), move.at)

    def wait(self, market: datetime) -> None:
        """Record that no move came until ``market``."""
        self._report(self._gap_watch.wait(market), market)

    def measure(self, quoting: Quoting, market: datetime, now_ms: int) -> None:
        """Update the metrics of stale contracts, delay and dropped ticks."""
        if quoting.listing is not None:
            listing, spots = quoting.listing, quoting.spots(now_ms)
            self.stale_contracts = self._stale_watch.count(
                listing.universe, listing.rows, spots, market
            )
        self._meter.set(Metric.FEED_STALE_CONTRACTS, self.stale_contracts)
        self._meter.set(Metric.FEED_LAG_SECONDS, self.lag_seconds)
        if quoting.dropped > self._dropped:
            self._meter.add(Metric.FEED_TICKS_DROPPED, quoting.dropped - self._dropped)
            self._dropped = quoting.dropped

    def _report(self, gap: Gap | None, market: datetime) -> None:
        if gap is None:
            return
        self.gaps += 1
        self._meter.add(Metric.FEED_GAPS, kind=gap.kind.value)
        log.warning(
            "feed.gap_detected",
            source=self._name,
            kind=gap.kind.value,
            size=round(gap.size, 3),
            market=market.isoformat(),
        )
