"""Marks of expired positions that are not settled yet: intrinsic value at the last index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.book.settlement import intrinsic_value
from angel_x.domain.contracts.contract import parse_expiry, underlying_of
from angel_x.domain.values.money import paise

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ExpiredMarks:
    """Expired positions, one entry for each holding."""

    is_expired: NDArray[np.bool_]
    #: Paise; NaN for a position that has not expired, or whose index is unknown.
    marks: NDArray[np.float64]


def expired(
    symbols: Sequence[str],
    expires_at: NDArray[np.float64],
    at: float,
    closes_at: Callable[[date], datetime],
) -> NDArray[np.bool_]:
    """Return which positions have expired at ``at``; times are epoch seconds.

    ``closes_at`` dates the expiry of contracts that are not listed any more, whose ``expires_at`` is NaN.
    """
    now = datetime.fromtimestamp(at, UTC)
    result: NDArray[np.bool_] = expires_at <= at
    for index in np.flatnonzero(np.isnan(expires_at)).tolist():
        _, expiry = parse_expiry(symbols[index])
        result[index] = closes_at(expiry) <= now
    return result


def mark_expired(
    symbols: Sequence[str], is_expired: NDArray[np.bool_], levels: Mapping[str, Decimal]
) -> ExpiredMarks:
    """Return the intrinsic value of expired positions at the levels of their indices in rupees."""
    marks = np.full(len(is_expired), np.nan)
    for index in np.flatnonzero(is_expired).tolist():
        symbol = symbols[index]
        if (level := levels.get(underlying_of(symbol))) is not None:
            marks[index] = paise(intrinsic_value(symbol, level))
    return ExpiredMarks(is_expired, marks)
