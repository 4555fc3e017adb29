"""RedBeat's scheduler with gates for market hours and full queues, and a heartbeat."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any

import redis
import structlog
from redbeat import RedBeatScheduler
from redbeat.schedulers import RedBeatConfig, get_redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.fault_points import passing
from angel_x.adapters.heartbeat import Heartbeat, tick_file
from angel_x.adapters.market_tables import market_tables
from angel_x.adapters.redis.connecting import connect
from angel_x.domain.calendar.session import SessionTable, TradingCalendar
from angel_x.domain.orders.step import Step
from beat_schedule.gate import BacklogGate, MarketGate
from beat_schedule.schedule import entries
from beat_schedule.stored_entry import StoredEntry
from config import beat_keys
from config.settings import Settings

log = structlog.get_logger()

#: The largest clock difference of two machines; a last run further in the future has a wrong time.
_CLOCKS_DIFFER = timedelta(seconds=5)
#: Seconds between two looks at all stored entries, two round trips each.
_REPAIR_SECONDS = 5.0


class Config(RedBeatConfig):
    """RedBeat's configuration with an address that Celery's configuration does not show."""

    _ADDRESS = "redbeat_redis_url"

    def __init__(self, app: Any, address: str) -> None:  # noqa: ANN401 - Celery is untyped
        self._address = address
        super().__init__(app)

    def either_or(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        return self._address if name == self._ADDRESS else super().either_or(name, default)

    def is_key_in_conf(self, name: str) -> bool:
        return name == self._ADDRESS or bool(super().is_key_in_conf(name))


class Scheduler(RedBeatScheduler):
    """Sends due entries, unless the market is closed or earlier messages still wait."""

    Entry = StoredEntry

    def __init__(self, app: Any, **options: Any) -> None:  # noqa: ANN401 - Celery is untyped
        settings: Settings = app.conf.angel_x_settings
        planned = entries(settings)
        self._market = MarketGate(
            planned,
            calendar=TradingCalendar(market_tables(settings).rule(SessionTable.parse, "sessions")),
            cache=_client(settings.needed("cache_url")),
            clock=app.now,
        )
        self._backlog = BacklogGate(planned, _client(settings.needed("broker_url")))
        self._at = passing(settings.home_path, settings.fault_at, settings.fault_action)
        self._heartbeat = Heartbeat(tick_file(settings.home))
        self._repair_at = 0.0
        app.redbeat_conf = Config(app, settings.needed("broker_url"))
        # RedBeat makes a client of its own only where there is none: it cannot read every address.
        app.redbeat_redis = connect(
            settings.needed("broker_url"),
            decode_responses=True,
            **app.conf.redbeat_redis_options,
        )
        super().__init__(app, **options)

    def setup_schedule(self) -> None:
        """Store the entries of this release and repair those that are stored."""
        super().setup_schedule()
        self._repair()

    def install_default_entries(self, data: object) -> None:
        """Add none: Celery's own entry cleans a result back end, and there is none."""

    def maybe_due(self, entry: Any, **options: Any) -> float:  # noqa: ANN401
        """Send an entry if it is due and admitted; otherwise skip its turn."""
        is_due, next_seconds = entry.is_due()
        if is_due and not (self._market.admits(entry.name) and self._backlog.admits(entry.name)):
            self.reserve(entry)
            return float(next_seconds)
        return float(super().maybe_due(entry, **options))

    def send_task(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Send the message of an entry whose run is stored."""
        self._at(Step.TICK_NOTED)
        sent = super().send_task(*args, **options)
        self._at(Step.TICK_SENT)
        return sent

    def tick(self, *args: Any, **options: Any) -> float:  # noqa: ANN401
        """Send due entries, then write the heartbeat."""
        # The clock may have been wrong in the former leader, or until now in this process.
        if monotonic() >= self._repair_at:
            self._repair()
        seconds = super().tick(*args, **options)
        self._heartbeat.beat()
        return float(seconds)

    def _repair(self) -> None:
        """Store lost entries of this release again, and correct last runs in the future."""
        self._repair_at = monotonic() + _REPAIR_SECONDS
        stored = set(get_redis(self.app).zrange(beat_keys.SCHEDULE, 0, -1))
        ours = {beat_keys.key_of(name): name for name in self.app.redbeat_conf.schedule}
        keys = [*ours, *sorted(stored - ours.keys())]
        for key, entry in zip(keys, StoredEntry.read(keys, self.app), strict=True):
            if key in ours and (entry is None or key not in stored):
                self._restore(ours[key])
            elif entry is not None:
                self._rebase(entry)

    def _restore(self, name: str) -> None:
        """Store an entry of this release that is not in the schedule any more."""
        conf = self.app.redbeat_conf
        self.update_from_dict({name: conf.schedule[name]})
        get_redis(self.app).sadd(conf.statics_key, name)
        log.warning("beat.restored", entry=name)

    def _rebase(self, entry: StoredEntry) -> None:
        """Correct a last run in the future, which a wrong clock has stored.

        Such an entry would be due only one period after that time.
        """
        now = self.app.now()
        if entry.last_run_at is None or entry.last_run_at <= now + _CLOCKS_DIFFER:
            return
        # An entry with a period becomes due at once; one with a time of day keeps its time.
        period = getattr(entry.schedule, "run_every", timedelta(0))
        log.warning("beat.rebased", entry=entry.name, last_run_at=entry.last_run_at.isoformat())
        entry.reschedule(now - period)


def _client(url: str) -> redis.Redis:
    """Return a client without retries: the next turn asks again."""
    return connect(url, socket_timeout=2, retry=Retry(NoBackoff(), 0))
