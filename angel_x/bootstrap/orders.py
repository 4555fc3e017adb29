"""The life of an order."""

from __future__ import annotations

from functools import cached_property
from time import monotonic, sleep

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.dispatch import LANES
from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.adapters.postgres.risk_limits import PostgresRiskLimits
from angel_x.adapters.postgres.workflows import Workflows
from angel_x.adapters.redis.liquidity import RedisLiquidity
from angel_x.adapters.redis.order_rate import RedisOrderRate
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.adapters.redis.redeliveries import RedisRedeliveries
from angel_x.adapters.redis.refusals import RedisRefusals
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import TRANSIENT, is_outage
from angel_x.domain.book.charges import charge_table
from angel_x.domain.calendar.intraday import IntradayRule
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.protection import Protection
from angel_x.domain.exchange.slippage import Slippage
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.orders.order import Priority
from angel_x.services.accounts.risk_sheets import RiskSheets
from angel_x.services.accounts.what_if import WhatIf
from angel_x.services.controls.risk_limits import RiskLimits
from angel_x.services.intake.acceptance import Acceptance
from angel_x.services.intake.admission import Admission, RulesInForce
from angel_x.services.intake.backpressure import Backpressure
from angel_x.services.intake.messaging import Messaging
from angel_x.services.intake.order_check import OrderCheck
from angel_x.services.intake.order_rate import LocalOrderRate, OrderRate, SharedOrderRate
from angel_x.services.intake.slicing import Slicing
from angel_x.services.intake.submissions import Submissions
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.trading.amendment import Amending
from angel_x.services.trading.cancellation import Cancellation
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.expiry import Expiry
from angel_x.services.trading.market_watch import MarketWatch
from angel_x.services.trading.matching import Matching
from angel_x.services.trading.paper_market import PaperMarket, PaperRules
from angel_x.services.trading.relay import Relay
from config.market import table
from config.settings import Settings

#: Longest wait of an order that began to rest behind the back of the matcher.
_FULL_LOOK_SECONDS = 3.0


#: The counter of orders a second is asked before every commit, which must not wait for it.
_RATE_SECONDS = 0.25

#: How long risk arrays and spots that were read stand for the batches that follow.
_SHEET_SECONDS = 0.5


class OrderParts(AccountParts):
    """Acceptance, execution, matching, cancellation, expiry and the relay."""

    @cached_property
    def _market(self) -> PaperMarket:
        settings = self.settings
        return PaperMarket(
            universes=self.universes,
            quotes=self._quotes,
            liquidity=RedisLiquidity(self.cache, ttl_seconds=settings.cache_ttl_market_data),
            rules=_paper_rules(settings),
            clock=self.clock,
            market_clock=self.market_clock,
        )

    @cached_property
    def _risk_sheets(self) -> RiskSheets:
        return RiskSheets(
            universes=self.universes,
            quotes=self._quotes,
            board=self._risk_board,
            model=SpanMargin.from_table(table("margin")),
            meter=self.meter,
            clock=self.clock,
            market_clock=self.market_clock,
            monotonic=monotonic,
            max_age_seconds=self.settings.cache_ttl_greeks,
            keep_seconds=_SHEET_SECONDS,
            unreachable=TRANSIENT,
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
        return BookUnits(
            self.engine,
            lease_seconds=self.settings.order_lease_seconds,
            risks=self._risk_sheets.of,
            at=self.at,
        )

    @cached_property
    def _search(self) -> OrderSearch:
        return OrderSearch(self.engine, self.at)

    @cached_property
    def _slicing(self) -> Slicing:
        return Slicing(self._rules)

    @cached_property
    def _intraday_rule(self) -> IntradayRule:
        return IntradayRule.from_table(table("intraday")["cutoff"], self.calendar)

    @cached_property
    def workflows(self) -> Workflows:
        return Workflows(self.engine, at=self.at)

    @cached_property
    def _intake(self) -> OrderIntake:
        return OrderIntake(
            self.engine, ring_after_seconds=self.settings.ring_after_ms / 1000, at=self.at
        )

    @cached_property
    def limits(self) -> RiskLimits:
        return RiskLimits(
            PostgresRiskLimits(self.engine), holds_rate=self.settings.rate_limit_enabled
        )

    @cached_property
    def admission(self) -> Admission:
        backpressure = Backpressure(
            self._intake.waiting, limit=self.settings.max_queue_size, monotonic=monotonic
        )
        return Admission(
            backpressure=backpressure,
            order_rate=self._order_rate if self.settings.rate_limit_enabled else None,
            rules=RulesInForce(self.limits.rules, monotonic=monotonic),
        )

    @cached_property
    def _order_rate(self) -> OrderRate:
        return SharedOrderRate(
            RedisOrderRate(self._rate_cache),
            LocalOrderRate(monotonic),
            unreachable=(redis.RedisError,),
            meter=self.meter,
            monotonic=monotonic,
        )

    @cached_property
    def _rate_cache(self) -> redis.Redis:
        """The cache, for a caller with little patience."""
        return redis.Redis.from_url(
            self.settings.needed("cache_url"),
            socket_timeout=_RATE_SECONDS,
            socket_connect_timeout=_RATE_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )

    @cached_property
    def acceptance(self) -> Acceptance:
        return Acceptance(
            intake=self._intake,
            universes=self.universes,
            slicing=self._slicing,
            calendar=self.calendar,
            market_clock=self.market_clock,
            dispatcher=self.dispatcher,
            meter=self.meter,
            batch_size=self.settings.order_batch_size,
            at=self.at,
        )

    @cached_property
    def order_check(self) -> OrderCheck:
        return OrderCheck(
            universes=self.universes,
            slicing=self._slicing,
            intraday=self._intraday_rule,
            market_clock=self.market_clock,
        )

    @cached_property
    def submissions(self) -> Submissions:
        return Submissions(
            check=self.order_check,
            admission=self.admission,
            acceptance=self.acceptance,
            meter=self.meter,
        )

    @cached_property
    def refusals(self) -> RedisRefusals:
        return RedisRefusals(self.cache)

    @cached_property
    def messaging(self) -> Messaging:
        return Messaging(
            submissions=self.submissions,
            accounts=self.accounts,
            refusals=self.refusals,
            redeliveries=RedisRedeliveries(self.cache),
            is_outage=is_outage,
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
            sleep=sleep,
            claim_limit=self.settings.claim_limit,
            transient=TRANSIENT,
        )

    @cached_property
    def matching(self) -> Matching:
        return Matching(
            search=self._search,
            watch=MarketWatch(
                universes=self.universes,
                quotes=self._quotes,
                clock=self.clock,
                monotonic=monotonic,
                max_quote_age_seconds=self.settings.cache_ttl_market_data,
                full_seconds=_FULL_LOOK_SECONDS,
            ),
            units=self._units,
            market=self._market,
            aftermath=self._aftermath,
            market_clock=self.market_clock,
            transient=TRANSIENT,
        )

    @cached_property
    def amending(self) -> Amending:
        return Amending(
            units=self._units,
            market=self._market,
            aftermath=self._aftermath,
            universes=self.universes,
            slicing=self._slicing,
            market_clock=self.market_clock,
        )

    @cached_property
    def what_if(self) -> WhatIf:
        return WhatIf(
            units=self._units,
            market=self._market,
            universes=self.universes,
            slicing=self._slicing,
            market_clock=self.market_clock,
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
            workflows=self.workflows,
            bells=self.dispatcher,
            depths=lambda: _lane_depths(self._depths, self.cache),
            park=self.execution.park,
            meter=self.meter,
            ring_after_seconds=self.settings.ring_after_ms / 1000,
            max_rings=self.settings.max_rings,
            batch_size=self.settings.order_batch_size,
        )

    def close(self) -> None:
        """Hand over what waits to be sent, and let go of every connection."""
        super().close()
        self._rate_cache.close()


def _paper_rules(settings: Settings) -> PaperRules:
    seed = settings.paper_seed
    return PaperRules(
        charges=charge_table(table("charges")["options"]),
        protection=Protection.from_table(table("price_bands")),
        slippage=Slippage(settings.paper_slippage_ticks, seed),
        latency=Latency(settings.paper_latency_ms, settings.paper_latency_jitter_ms, seed),
        max_quote_age_seconds=settings.cache_ttl_market_data,
    )


def _lane_depths(depths: QueueDepths, cache: redis.Redis) -> dict[Priority, int]:
    """Return the depth of each lane, or raise where workers could not decide anyway.

    Without the cache every ring would fail, and count against orders that are not to blame.
    """
    cache.ping()
    read = depths.read()
    return {priority: read[queue.value] for priority, queue in LANES.items()}
