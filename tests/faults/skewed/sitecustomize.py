"""A wrong clock for a whole Python process: what ``SKEW_SECONDS`` says is added to the time of day.

Python imports a module of this name at its start from wherever PYTHONPATH finds one, so kombu,
Celery and we see the same wrong time from the first import on.  Monotonic clocks stay as they are,
as they do when somebody sets a machine's clock.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Self

_SKEW = float(os.environ["SKEW_SECONDS"])
_true_time = time.time  # noqa: TID251 - this is where time goes wrong


class _SkewedDatetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(_skewed_time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.fromtimestamp(_skewed_time(), dt.UTC).replace(tzinfo=None)


def _skewed_time() -> float:
    return _true_time() + _SKEW


time.time = _skewed_time  # noqa: TID251
dt.datetime = _SkewedDatetime  # type: ignore[misc]  # the whole point
