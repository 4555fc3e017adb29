"""What operators look at and repair."""

from __future__ import annotations

from functools import cached_property
from time import monotonic

from angel_x.adapters.postgres.audit import PostgresAudit
from angel_x.adapters.postgres.canaries import PostgresCanaries
from angel_x.adapters.postgres.replays import PostgresReplays
from angel_x.bootstrap.analytics import AnalyticsParts
from angel_x.services.accounts.audit import Audit
from angel_x.services.operations.canaries import Canaries
from angel_x.services.trading.replay import Replays


class OperationParts(AnalyticsParts):
    """Audit, canaries and parked orders."""

    @cached_property
    def audit(self) -> Audit:
        return Audit(PostgresAudit(self.engine))

    @cached_property
    def canaries(self) -> Canaries:
        return Canaries(
            board=PostgresCanaries(self.engine),
            release=self.dispatcher.canary,
            depths=self._depths.read,
            meter=self.meter,
            monotonic=monotonic,
            interval_seconds=self.settings.canary_interval_seconds,
        )

    @cached_property
    def replays(self) -> Replays:
        return Replays(
            orders=PostgresReplays(
                self.engine, ring_after_seconds=self.settings.ring_after_ms / 1000
            ),
            calendar=self.calendar,
            market_clock=self.market_clock,
            dispatcher=self.dispatcher,
        )
