"""Options on stocks are squared off once their delivery period has begun."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.contracts.delivery import DeliveryRule
from angel_x.services.trading_hours import TradingHours
from angel_x.services.workflows.deliveries import DeliveryClose
from tests.builders.markets import CALENDAR, RULES

STOCK, INDEX = "BEL_29DEC26_400CE", "NIFTY_29DEC26_24000CE"
#: The opening of the first day of the delivery period.
BEGINS = datetime(2026, 12, 22, 3, 45, tzinfo=UTC)


@dataclass
class SquareOffs:
    """Starts one square-off for each key."""

    started: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def start(
        self, user_id: int, selection: OrderSelection, *, key: str, actor: str
    ) -> tuple[object, bool]:
        assert actor == "delivery"
        is_new = key not in self.started
        self.started[key] = user_id, selection.symbol
        return None, is_new


def close(at: datetime, square_offs: SquareOffs) -> int:
    return DeliveryClose(
        positions=lambda _now, _indices: [(1, INDEX), (1, STOCK)],
        square_offs=square_offs,
        rule=lambda: DeliveryRule(RULES, CALENDAR),
        hours=TradingHours(CALENDAR, lambda: at, is_continuous=lambda: False),
    ).run()


@pytest.mark.parametrize(
    "at",
    [
        BEGINS - timedelta(seconds=1),
        BEGINS - timedelta(days=1),
        datetime(2026, 12, 25, 5, tzinfo=UTC),
    ],
    ids=["before the opening", "the day before", "a holiday"],
)
def test_before_the_period_and_outside_of_a_session_nothing_is_closed(at: datetime) -> None:
    square_offs = SquareOffs()

    assert close(at, square_offs) == 0
    assert square_offs.started == {}


def test_a_position_is_closed_once_a_day_and_one_on_an_index_is_left() -> None:
    square_offs = SquareOffs()

    assert [close(BEGINS, square_offs), close(BEGINS + timedelta(hours=1), square_offs)] == [1, 0]
    assert close(BEGINS + timedelta(days=1), square_offs) == 1

    assert square_offs.started == {
        f"delivery 2026-12-22 {STOCK}": (1, STOCK),
        f"delivery 2026-12-23 {STOCK}": (1, STOCK),
    }
