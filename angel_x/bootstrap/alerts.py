"""Alerts that find people: their targets, the collector of notices and the sender."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from time import monotonic

from angel_x.adapters.apprise_services import AppriseServices
from angel_x.adapters.postgres.alert_collection import PostgresCollections
from angel_x.adapters.postgres.alert_conditions import (
    expiring_accounts,
    losing_accounts,
    short_accounts,
)
from angel_x.adapters.postgres.alert_outbox import PostgresAlertOutbox
from angel_x.adapters.postgres.alert_targets import PostgresAlertTargets
from angel_x.adapters.redis.consumers import Consumers
from angel_x.adapters.sealing import Seal
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.domain.calendar.session import IST
from angel_x.domain.operations.notice import Notice, Topic
from angel_x.services.operations.alert_collector import AlertCollector
from angel_x.services.operations.alert_sender import AlertSender
from angel_x.services.operations.alert_targets import AlertTargets
from config.settings import Settings, SettingsError
from config.worker_processes import consumed_queues

_MINUTE = 60.0
#: 32 bytes in base 64, as Fernet takes them.
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")


@dataclass(frozen=True, kw_only=True)
class AlertParts:
    """Targets, collector and sender."""

    targets: AlertTargets
    collector: AlertCollector
    sender: AlertSender


def build_alerts(base: Foundation) -> AlertParts:
    """Put together the parts of alerts; no library of theirs is imported before it is needed.

    Raises:
        SettingsError: ALERTS_KEY holds something else than keys.
    """
    _check_keys(base.settings)
    settings, seal, services = base.settings, Seal(base.settings.alerts_key), AppriseServices()
    consumers = Consumers(base.broker)
    return AlertParts(
        targets=AlertTargets(
            store=PostgresAlertTargets(base.engine),
            sealed=seal.seal,
            check=services.check,
            clock=base.clock,
        ),
        collector=AlertCollector(
            collections=PostgresCollections(base.engine, at=base.at),
            probes={
                Topic.MARGIN_SHORTFALL: partial(short_accounts, base.engine),
                Topic.DAILY_LOSS: lambda: losing_accounts(base.engine, _market_day(base)),
                Topic.FEED_STALE: partial(_stale_feed, base),
                Topic.WORKER_LOST: partial(_lost_workers, base, consumers),
            },
            slow_probes={
                Topic.EXPIRY_TODAY: lambda: expiring_accounts(base.engine, _market_day(base)),
            },
            unreachable=TRANSIENT,
            clock=base.clock,
            monotonic=monotonic,
            repeat_seconds=settings.alerts_repeat_seconds,
        ),
        sender=AlertSender(
            outbox=PostgresAlertOutbox(
                base.engine,
                pace_seconds=_MINUTE / settings.alerts_per_minute,
                most_attempts=settings.alerts_attempts,
            ),
            services=services,
            opened=seal.open,
            meter=base.meter,
            at=base.at,
            monotonic=monotonic,
        ),
    )


def _check_keys(settings: Settings) -> None:
    keys = settings.alerts_key
    if keys and not all(_KEY.fullmatch(key) for key in keys.split(",")):
        raise SettingsError(
            "ANGEL_X_ALERTS_KEY: expected keys of `angel-x alerts key`, was a hidden value"
        )


def _market_day(base: Foundation) -> date:
    return base.market_clock().astimezone(IST).date()


def _stale_feed(base: Foundation) -> Sequence[Notice]:
    """Return whether no feed publishes while the market is open."""
    if not base.hours.is_open() or base.market_clock.is_live():
        return []
    return [Notice(Topic.FEED_STALE, "feed", "no market data arrives while the market is open")]


def _lost_workers(base: Foundation, consumers: Consumers) -> Sequence[Notice]:
    return [
        Notice(Topic.WORKER_LOST, queue, f"no worker takes messages of the queue {queue}")
        for queue in consumers.unheard(consumed_queues(base.settings))
    ]
