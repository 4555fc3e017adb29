"""The table of periodic tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from celery.schedules import crontab

from config.settings import Settings
from config.task_names import TaskName

#: Seconds between two looks whether the market has moved far enough for a marking.
_MARK_LOOK = 5
#: Seconds between two looks whether a minute of market time has begun.
_MINUTE_LOOK = 5
#: Seconds between two snapshots of portfolios.
_HISTORY_SECONDS = 900


class Gate(Enum):
    """The market hours in which a due entry may run."""

    ALWAYS = auto()
    #: While the market is open or a feed is live.
    LIVE = auto()
    #: On days on which the market holds a session.
    TRADING_DAY = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One periodic task."""

    task: TaskName
    #: A period, or a time of day in India.
    when: timedelta | crontab
    gate: Gate = Gate.ALWAYS

    @property
    def expires_seconds(self) -> float:
        """The time after which a message expires: the period, or an hour."""
        return self.when.total_seconds() if isinstance(self.when, timedelta) else 3600.0


def entries(settings: Settings) -> dict[str, Entry]:
    """Return the schedule by name.  Portfolios are renewed twice in their TTL."""
    return {
        "memory": Entry(TaskName.CHECK_MEMORY, _every(60)),
        "queues": Entry(TaskName.CHECK_QUEUES, _every(10)),
        "partitions": Entry(TaskName.MAINTAIN_PARTITIONS, crontab(hour=2, minute=30)),
        # The task knows whether a week or a month has begun, so a day without Beat skips none.
        "reviews": Entry(TaskName.WRITE_REVIEWS, crontab(hour=7, minute=0)),
        # A round is short, so a large day takes several.
        "retention": Entry(TaskName.ENFORCE_RETENTION, _every(60)),
        # A round is short; a whole proof takes several.
        "proofs": Entry(TaskName.PROVE_INVARIANTS, _every(60)),
        # The task knows whether orders go to the broker.
        "reconciliation": Entry(TaskName.RECONCILE_BROKER, _every(60)),
        "orders-match": Entry(TaskName.MATCH_ORDERS, _every(1), Gate.LIVE),
        # Not gated: orders expire at the close, when the market is not open any more.
        "orders-expire": Entry(TaskName.EXPIRE_ORDERS, _every(30)),
        # Not gated: the task compares market time with the cut-off itself.
        "intraday-close": Entry(TaskName.CLOSE_INTRADAY, _every(10)),
        "delivery-close": Entry(TaskName.CLOSE_DELIVERIES, _every(60), Gate.LIVE),
        # Not gated: positions expire at the close, and wait for a price.
        "settlement": Entry(TaskName.SETTLE_EXPIRIES, _every(15)),
        "greeks": Entry(TaskName.REFRESH_GREEKS, _every(settings.greeks_pace_seconds), Gate.LIVE),
        "greeks-snapshot": Entry(
            TaskName.SNAPSHOT_GREEKS, _every(settings.greeks_snapshot_seconds), Gate.LIVE
        ),
        "portfolios": Entry(
            TaskName.REFRESH_PORTFOLIOS, _every(settings.portfolio_pace_seconds), Gate.LIVE
        ),
        # The task compares time and spots with the last marking itself.
        "margin-mark": Entry(
            TaskName.MARK_MARGIN, _every(min(_MARK_LOOK, settings.margin_mark_seconds)), Gate.LIVE
        ),
        # The task knows the minutes of market time, which a feed may pace.
        "minute-quotes": Entry(TaskName.SAMPLE_MINUTE, _every(_MINUTE_LOOK), Gate.LIVE),
        # The equity curve, and the marks and margins of past moments.
        "portfolios-history": Entry(
            TaskName.SNAPSHOT_PORTFOLIOS, _every(_HISTORY_SECONDS), Gate.LIVE
        ),
        # After the close of 15:40 and the expiry of the day's orders.
        "portfolios-snapshot": Entry(
            TaskName.SNAPSHOT_PORTFOLIOS, crontab(hour=16, minute=0), Gate.TRADING_DAY
        ),
        **(_alerts() if settings.alerts_key else {}),
    }


def _alerts() -> dict[str, Entry]:
    """Return the entries of alerts.  The second one sends while a slow service holds up the first."""
    return {
        "alerts-collect": Entry(TaskName.COLLECT_ALERTS, _every(2)),
        "alerts-send": Entry(TaskName.SEND_ALERTS, _every(5)),
    }


def celery_schedule(settings: Settings) -> dict[str, dict[str, object]]:
    """Return the schedule in the format of Celery."""
    return {
        name: {
            "task": entry.task.value,
            "schedule": entry.when,
            "options": {"expires": entry.expires_seconds, "ignore_result": True},
        }
        for name, entry in entries(settings).items()
    }


def _every(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
