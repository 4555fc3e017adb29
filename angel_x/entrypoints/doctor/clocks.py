"""Clocks: the time of each server against the one of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.redis.server_state import read_time
from angel_x.domain.operations.check import Check, Measured
from angel_x.entrypoints.doctor.subject import BROKER, CACHE, DATABASE

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

#: From there on processes log it too.
_MOST_SECONDS = 2.0
_FIX = "Run NTP (chrony or systemd-timesyncd) on both machines."


def database_checks(app: Application) -> Iterator[Check]:
    """Yield the clock of the database, which all processes follow."""
    yield _skew(DATABASE, partial(_database_time, app))


def redis_checks(app: Application) -> Iterator[Check]:
    """Yield the clocks of message broker and cache."""
    yield _skew(BROKER, partial(read_time, app.base.broker))
    yield _skew(CACHE, partial(read_time, app.base.cache))


def _database_time(app: Application) -> datetime:
    with app.base.engine.connect() as connection:
        found: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return found


def _skew(server: str, read: Callable[[], datetime]) -> Check:
    before = wall_clock()
    there = read()
    after = wall_clock()
    # The server answered at some moment in between.
    seconds = abs((there - before) - (after - before) / 2).total_seconds()
    return Check.of_limit(
        f"clock of the {server}",
        Measured(round(seconds, 3), _MOST_SECONDS, "s"),
        detail="difference to this machine",
        fix=_FIX,
    )
