"""Orders of a lane that the lanes above it keep waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from angel_x.domain.orders.order import Priority
from angel_x.services.trading.ageing import Ageing

EMERGENCY, HIGH, NORMAL, LOW = Priority


@dataclass
class Lanes:
    """Late orders by lane, and the rings for them."""

    late: dict[Priority, list[int]]
    asked: list[tuple[Priority, float, int]] = field(default_factory=list)
    rung: list[Sequence[int]] = field(default_factory=list)

    def find(self, lane: Priority, age_seconds: float, limit: int) -> list[int]:
        self.asked.append((lane, age_seconds, limit))
        return self.late.get(lane, [])

    def ageing(self) -> Ageing:
        return Ageing(
            find_late=self.find,
            ring_above=self.rung.append,
            after_seconds=5.0,
            batch_size=50,
            lane_messages=3,
        )


@pytest.mark.parametrize("above", [HIGH, NORMAL])
def test_late_orders_of_the_lowest_lane_are_rung_for_beside_any_above(above: Priority) -> None:
    lanes = Lanes({LOW: [7, 9]})

    assert lanes.ageing().look({LOW: 1, above: 1}) == 2

    assert lanes.rung == [[7, 9]]
    assert lanes.asked == [(LOW, 5.0, 50)]


def test_normal_orders_are_late_behind_high_ones_where_no_low_ones_are() -> None:
    lanes = Lanes({NORMAL: [8]})

    assert lanes.ageing().look({LOW: 1, NORMAL: 3, HIGH: 3}) == 1

    assert lanes.rung == [[8]]
    assert [lane for lane, *_ in lanes.asked] == [LOW, NORMAL]


def test_one_doorbell_is_sent_in_a_look() -> None:
    lanes = Lanes({LOW: [7], NORMAL: [8]})

    lanes.ageing().look({LOW: 1, NORMAL: 1, HIGH: 1})

    assert lanes.rung == [[7]]


@pytest.mark.parametrize(
    "depths",
    [
        {},
        {LOW: 3},
        {NORMAL: 3},
        {HIGH: 3},
        {LOW: 0, NORMAL: 3, HIGH: 0},
        {EMERGENCY: 3, NORMAL: 3},
    ],
)
def test_the_database_is_not_asked_where_no_lane_waits_for_another(
    depths: dict[Priority, int],
) -> None:
    lanes = Lanes({LOW: [7], NORMAL: [8]})

    assert lanes.ageing().look(depths) == 0

    assert (lanes.asked, lanes.rung) == ([], [])


@pytest.mark.parametrize(("depth", "rings"), [(3, 1), (4, 0)])
def test_a_lane_that_holds_more_than_its_own_doorbells_takes_none(depth: int, rings: int) -> None:
    lanes = Lanes({LOW: [7]})

    lanes.ageing().look({LOW: 1, HIGH: depth})

    assert len(lanes.rung) == rings


def test_without_late_orders_nothing_is_rung() -> None:
    lanes = Lanes({})

    assert lanes.ageing().look({LOW: 1, NORMAL: 1, HIGH: 1}) == 0

    assert lanes.rung == []
