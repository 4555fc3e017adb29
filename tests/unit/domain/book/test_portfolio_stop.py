"""Stops of a whole account: when they are reached, once, and what survives a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.book.portfolio_stop import PortfolioStop, StopKind, StopLevels, next_stop

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BASE = Decimal(100_000)


def levels(loss: str = "", trailing: str = "", profit: str = "") -> StopLevels:
    loss_at, trailing_at, profit_at = (Decimal(x) if x else None for x in (loss, trailing, profit))
    return StopLevels(loss=loss_at, trailing=trailing_at, profit=profit_at)


LOSS, TRAILING, PROFIT = levels(loss="500"), levels(trailing="300"), levels(profit="800")
ALL = levels("500", "300", "800")


@pytest.mark.parametrize(
    ("stops", "results", "breached"),
    [
        (LOSS, ["-499.99"], None),
        (LOSS, ["-500"], StopKind.LOSS),
        (LOSS, ["10000", "-499"], None),
        (LOSS, ["10000", "-500.01"], StopKind.LOSS),
        (PROFIT, ["799.99"], None),
        (PROFIT, ["800"], StopKind.PROFIT),
        (PROFIT, ["-10000", "799"], None),
        (TRAILING, ["-299.99"], None),
        (TRAILING, ["-300"], StopKind.TRAILING),
        (TRAILING, ["1000", "700.01"], None),
        (TRAILING, ["1000", "700"], StopKind.TRAILING),
        (TRAILING, ["1000", "750", "900", "700"], StopKind.TRAILING),
        (TRAILING, ["1000", "1200", "901"], None),
        (ALL, ["-500"], StopKind.LOSS),
        (ALL, ["-300"], StopKind.TRAILING),
        (ALL, ["700", "400"], StopKind.TRAILING),
        (ALL, ["800"], StopKind.PROFIT),
        (ALL, ["0"], None),
        # A breach stays what it was.
        (ALL, ["800", "-500"], StopKind.PROFIT),
    ],
)
def test_a_stop_is_reached_at_its_level(
    stops: StopLevels, results: list[str], breached: StopKind | None
) -> None:
    stop = next_stop(None, stops, BASE, NOW)
    for result in results:
        stop = next_stop(stop, stops, BASE + Decimal(result), NOW)

    assert stop is not None
    assert (stop.breached, stop.breached_at) == (breached, NOW if breached else None)
    assert stop.base == BASE


def test_without_levels_there_is_no_stop_and_other_levels_arm_it_anew() -> None:
    later = NOW + timedelta(minutes=1)
    breached = PortfolioStop(
        levels=LOSS, armed_at=NOW, base=BASE, breached=StopKind.LOSS, breached_at=NOW
    )

    assert next_stop(breached, levels(), BASE, later) is None
    assert next_stop(breached, LOSS, BASE, later) is breached
    assert next_stop(breached, PROFIT, Decimal(7), later) == PortfolioStop(
        levels=PROFIT, armed_at=later, base=Decimal(7)
    )


def test_an_account_without_a_price_waits() -> None:
    armed = PortfolioStop(levels=LOSS, armed_at=NOW, base=BASE)

    assert next_stop(armed, LOSS, None, NOW) is armed
    assert next_stop(None, LOSS, None, NOW) is None
    assert next_stop(armed, PROFIT, None, NOW) is None


_rupees = st.integers(-200_000, 200_000).map(lambda paise: Decimal(paise).scaleb(-2))
_level = st.one_of(st.none(), st.integers(1, 150_000).map(lambda paise: Decimal(paise).scaleb(-2)))
_stops = st.builds(StopLevels, loss=_level, trailing=_level, profit=_level).filter(
    lambda found: found.is_set
)


@given(_stops, st.lists(_rupees, max_size=30), st.sets(st.integers(0, 29)))
def test_the_breach_is_the_first_of_the_path_whatever_restarts_in_between(
    stops: StopLevels, path: list[Decimal], restarts: set[int]
) -> None:
    stop = next_stop(None, stops, BASE, NOW)
    assert stop is not None
    for step, result in enumerate(path):
        if step in restarts:
            # Only the stored fields survive.
            stop = msgspec.json.decode(msgspec.json.encode(stop), type=PortfolioStop)
        stop = next_stop(stop, stops, BASE + result, NOW + timedelta(seconds=step))
        assert stop is not None

    assert (stop.breached, stop.breached_at) == plain(stops, path)
    seen = path
    if stop.breached_at is not None:
        seen = path[: int((stop.breached_at - NOW).total_seconds()) + 1]
    assert stop.peak == max([Decimal(0), *seen])
    assert stop.result == (seen[-1] if seen else 0)


def plain(stops: StopLevels, path: list[Decimal]) -> tuple[StopKind | None, datetime | None]:
    """Look at the whole path at every step."""
    for step, result in enumerate(path):
        best = max([Decimal(0), *path[: step + 1]])
        at = NOW + timedelta(seconds=step)
        if stops.loss is not None and result <= -stops.loss:
            return StopKind.LOSS, at
        if stops.trailing is not None and result <= best - stops.trailing:
            return StopKind.TRAILING, at
        if stops.profit is not None and result >= stops.profit:
            return StopKind.PROFIT, at
    return None, None
