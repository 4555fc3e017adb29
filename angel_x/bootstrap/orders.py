"""The life of an order."""

from __future__ import annotations

from functools import cached_property
from time import monotonic

import redis

from angel_x.adapters.dispatch import LANES
from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.adapters.redis.refusals import RedisRefusals
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import TRANSIENT
from angel_x.domain.charges import charge_table
from angel_x.domain.margin import PercentageMargin
from angel_x.domain.order import Priority
from angel_x.services.acceptance import Acceptance
from angel_x.services.aftermath import Aftermath
from angel_x.services.backpressure import Backpressure
from angel_x.services.cancellation import Cancellation
from angel_x.services.execution import Execution
from angel_x.services.expiry import Expiry
from angel_x.services.matching import Matching
from angel_x.services.messaging import Messaging
from angel_x.services.paper_market import PaperMarket
from angel_x.services.relay import Relay
from config.market import table


class OrderParts(AccountParts):
    """Acceptance, execution, matching, cancellation, expiry and the relay."""

    @cached_property
    def _market(self) -> PaperMarket:
        return PaperMarket(
            universes=self.universes,
            quotes=self._quotes,
            margin=PercentageMargin.from_table(table("margin")["short_options"]),
            charges=charge_table(table("charges")["options"]),
            clock=self.clock,
            market_clock=self.market_clock,
            max_quote_age_seconds=self.settings.cache_ttl_market_data,
        )

    @cached_property
    def _aftermath(self) -> Aftermath:
        return Aftermath(
            events=self.events,
            portfolios=self._portfolio_cache,
            dispatcher=self.dispatcher,
            meter=self.meter,
            unreachable=TRANSIENT,
        )

    @cached_property
    def _units(self) -> BookUnits:
        return BookUnits(self.engine)

    @cached_property
    def _search(self) -> OrderSearch:
        return OrderSearch(self.engine)

    @cached_property
    def _intake(self) -> OrderIntake:
        return OrderIntake(self.engine, ring_after_seconds=self.settings.ring_after_ms / 1000)

    @cached_property
    def backpressure(self) -> Backpressure:
        limit = self.settings.max_queue_size
        return Backpressure(self._intake.waiting, limit=limit, monotonic=monotonic)

    @cached_property
    def acceptance(self) -> Acceptance:
        return Acceptance(
            intake=self._intake,
            universes=self.universes,
            calendar=self.calendar,
            market_clock=self.market_clock,
            dispatcher=self.dispatcher,
            meter=self.meter,
            batch_size=self.settings.order_batch_size,
        )

    @cached_property
    def refusals(self) -> RedisRefusals:
        return RedisRefusals(self.cache)

    @cached_property
    def messaging(self) -> Messaging:
        return Messaging(
            acceptance=self.acceptance,
            backpressure=self.backpressure,
            accounts=self.accounts,
            refusals=self.refusals,
            default_user=self.settings.submit_user,
        )

    @cached_property
    def execution(self) -> Execution:
        return Execution(
            units=self._units,
            market=self._market,
            aftermath=self._aftermath,
            market_clock=self.market_clock,
            meter=self.meter,
            monotonic=monotonic,
            claim_limit=self.settings.claim_limit,
            transient=TRANSIENT,
        )

    @cached_property
    def matching(self) -> Matching:
        return Matching(
            search=self._search,
            units=self._units,
            market=self._market,
            aftermath=self._aftermath,
            market_clock=self.market_clock,
            transient=TRANSIENT,
        )

    @cached_property
    def cancellation(self) -> Cancellation:
        return Cancellation(units=self._units, aftermath=self._aftermath)

    @cached_property
    def expiry(self) -> Expiry:
        return Expiry(
            search=self._search,
            units=self._units,
            aftermath=self._aftermath,
            market_clock=self.market_clock,
            transient=TRANSIENT,
        )

    @cached_property
    def relay(self) -> Relay:
        return Relay(
            search=self._search,
            ring=self.dispatcher.ring,
            depths=lambda: _lane_depths(self._depths, self.cache),
            park=self.execution.park,
            meter=self.meter,
            ring_after_seconds=self.settings.ring_after_ms / 1000,
            max_rings=self.settings.max_rings,
            batch_size=self.settings.order_batch_size,
        )


def _lane_depths(depths: QueueDepths, cache: redis.Redis) -> dict[Priority, int]:
    """Return the depth of each lane, or raise where workers could not decide anyway.

    Without the cache every ring would fail, and count against orders that are not to blame.
    """
    cache.ping()
    read = depths.read()
    return {priority: read[queue.value] for priority, queue in LANES.items()}
