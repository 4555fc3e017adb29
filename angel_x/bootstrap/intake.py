"""Submission of orders, over HTTP and over the message broker."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.postgres.emergency_exposures import EmergencyExposures
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.order_rate import RedisOrderRate
from angel_x.adapters.redis.redeliveries import RedisRedeliveries
from angel_x.adapters.redis.refusals import RedisRefusals
from angel_x.adapters.redis.task_results import RedisTaskResults
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import Foundation, is_outage
from angel_x.bootstrap.market import MarketParts
from angel_x.domain.book.risk import NO_RULES
from angel_x.domain.calendar.intraday import IntradayRule, cutoffs
from angel_x.domain.values.dated import Following
from angel_x.services.intake.acceptance import Acceptance
from angel_x.services.intake.admission import Admission, RulesInForce
from angel_x.services.intake.backpressure import Backpressure
from angel_x.services.intake.emergencies import Emergencies
from angel_x.services.intake.messaging import Messaging
from angel_x.services.intake.order_check import OrderCheck
from angel_x.services.intake.order_rate import LocalOrderRate, SharedOrderRate
from angel_x.services.intake.replies import Replies
from angel_x.services.intake.senders import Senders
from angel_x.services.intake.slicing import Slicing
from angel_x.services.intake.submissions import Submissions

#: The counter of orders a second is asked before every commit, which must not wait for it, and a
#: result is written before the next submission is taken.
_IMPATIENT_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class IntakeParts:
    """Checks, admission and storage of submissions."""

    slicing: Slicing
    intraday_rule: IntradayRule
    store: OrderIntake
    acceptance: Acceptance
    admission: Admission
    order_check: OrderCheck
    submissions: Submissions
    refusals: RedisRefusals
    messaging: Messaging
    #: None where the settings name no place for results.
    replies: Replies | None
    #: Connections of callers with little patience.
    impatient: tuple[redis.Redis, ...]

    def close(self) -> None:
        """Let go of the connections to the rate counter and to the results."""
        for client in self.impatient:
            client.close()


def build_intake(base: Foundation, market: MarketParts, people: AccountParts) -> IntakeParts:
    """Put together the intake of orders over HTTP, messages and the command line."""
    settings = base.settings
    slicing = Slicing(market.rules)
    intraday_rule = IntradayRule(base.calendar, Following(base.tables.rule(cutoffs, "intraday")))
    store = OrderIntake(base.engine, ring_after_seconds=settings.ring_after_ms / 1000, at=base.at)
    acceptance = Acceptance(
        intake=store,
        universes=market.universes,
        slicing=slicing,
        calendar=base.calendar,
        market_clock=base.market_clock,
        dispatcher=base.dispatcher,
        meter=base.meter,
        batch_size=settings.order_batch_size,
        at=base.at,
    )
    rate_cache = _impatient(settings.needed("cache_url"))
    results = None if settings.result_url is None else _impatient(settings.result_url)
    admission = _admission(base, people, store, rate_cache)
    order_check = OrderCheck(
        universes=market.universes,
        slicing=slicing,
        intraday=intraday_rule,
        market_clock=base.market_clock,
        hours=base.hours,
    )
    submissions = Submissions(
        check=order_check, admission=admission, acceptance=acceptance, meter=base.meter
    )
    refusals = RedisRefusals(base.cache)
    return IntakeParts(
        slicing=slicing,
        intraday_rule=intraday_rule,
        store=store,
        acceptance=acceptance,
        admission=admission,
        order_check=order_check,
        submissions=submissions,
        refusals=refusals,
        messaging=Messaging(
            submissions=submissions,
            senders=Senders(
                account_id=lambda name: people.accounts.named(name).id,
                find_key=people.users.key,
                clock=base.clock,
                default_user=settings.submit_user,
                signed_only=settings.submit_signed,
            ),
            refusals=refusals,
            redeliveries=RedisRedeliveries(base.cache),
            is_outage=is_outage,
        ),
        replies=None if results is None else _replies(base, results),
        impatient=(rate_cache,) if results is None else (rate_cache, results),
    )


def _replies(base: Foundation, results: redis.Redis) -> Replies:
    return Replies(
        RedisTaskResults(
            results, ttl_seconds=base.settings.result_ttl_seconds, clock=base.clock
        ).put,
        unreachable=(redis.RedisError,),
        monotonic=monotonic,
    )


def _admission(
    base: Foundation, people: AccountParts, store: OrderIntake, rate_cache: redis.Redis
) -> Admission:
    order_rate = SharedOrderRate(
        RedisOrderRate(rate_cache).grant,
        LocalOrderRate(monotonic).grant,
        unreachable=(redis.RedisError,),
        meter=base.meter,
        monotonic=monotonic,
    )
    settings = base.settings
    return Admission(
        backpressure=Backpressure(
            store.waiting, limit=settings.max_queue_size, monotonic=monotonic
        ),
        grant_rate=order_rate.grant,
        rules=RulesInForce(people.limits.rules, monotonic=monotonic)
        if settings.rate_limit_enabled
        else lambda: NO_RULES,
        emergencies=Emergencies(EmergencyExposures(base.engine).read),
        emergency_limit=settings.emergency_orders_per_second,
    )


def _impatient(url: str) -> redis.Redis:
    """Return a client that gives up early."""
    return connect(
        url,
        socket_timeout=_IMPATIENT_SECONDS,
        socket_connect_timeout=_IMPATIENT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
