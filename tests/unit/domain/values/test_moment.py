from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from angel_x.domain.values.moment import in_utc
from angel_x.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T09:15:00+05:30", datetime(2026, 11, 23, 3, 45, tzinfo=UTC)),
        ("2026-11-23T09:15:00-23:59", datetime(2026, 11, 24, 9, 14, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("0001-01-01T00:00:00-05:30", datetime(1, 1, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_the_same_in_utc(written: str, meant: datetime) -> None:
    moment = in_utc(datetime.fromisoformat(written))

    assert (moment, moment.utcoffset()) == (meant, timedelta(0))


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+05:30", "9999-12-31T23:59:59-00:01"])
def test_a_time_before_or_after_all_years_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput, match=f"was {written.replace('+', '.')}"):
        in_utc(datetime.fromisoformat(written))
