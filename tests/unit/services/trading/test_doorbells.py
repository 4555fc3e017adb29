from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.orders.order import Priority
from angel_x.domain.orders.step import Step
from angel_x.services.trading.decided import Decided
from angel_x.services.trading.doorbells import Doorbells
from tests.fakes.lanes import Bell, MemoryLanes

LANE = Priority.NORMAL
CLAIM, BATCH = 4, 2


@dataclass
class Desk:
    """One lane: orders that wait by account, the doorbells for them, and a claim of CLAIM at most."""

    lanes: MemoryLanes = field(default_factory=MemoryLanes)
    #: The account of each order that waits.
    owners: dict[int, int] = field(default_factory=dict)
    #: How many orders each claim decided.
    claims: list[int] = field(default_factory=list)
    looks: int = 0
    #: Each step that was passed, with the doorbells that waited then.
    journal: list[tuple[Step, int]] = field(default_factory=list)
    accounts: dict[int, int] = field(default_factory=dict)
    #: Accounts that another process waits for.
    elsewhere: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.doorbells = Doorbells(
            decide=self.claim,
            find_waiting=self.waiting,
            messages=self.lanes,
            ring_on=self.lanes.ring_on,
            shuffle=list.reverse,
            batch_size=BATCH,
            most_messages=self.lanes.bound,
            at=lambda step: self.journal.append((step, len(self.lanes.bells[LANE]))),
        )

    def accept(self, account: int, *order_ids: int) -> bool:
        """Store orders and ring for them; say whether a doorbell was added."""
        self.owners |= dict.fromkeys(order_ids, account)
        self.accounts |= dict.fromkeys(order_ids, account)
        return self.lanes.ring(LANE, order_ids)

    def claim(self, order_ids: Sequence[int]) -> Decided:
        accounts = {self.accounts[order_id] for order_id in order_ids} - self.elsewhere
        claimed = [o for o in sorted(self.owners) if self.owners[o] in accounts][:CLAIM]
        for order_id in claimed:
            del self.owners[order_id]
        self.claims.append(len(claimed))
        left = {self.accounts[order_id] for order_id in order_ids} & self.elsewhere
        return Decided(len(claimed), len(claimed) >= CLAIM, frozenset(left))

    def waiting(self, lane: Priority, limit: int, without: Collection[int] = ()) -> list[list[int]]:
        assert lane is LANE
        self.looks += 1
        found = [o for o in sorted(self.owners) if self.owners[o] not in without][:limit]
        accounts = sorted({self.owners[o] for o in found})
        return [[o for o in found if self.owners[o] == a][:BATCH] for a in accounts]

    def work(self) -> int:
        """Answer the oldest doorbell."""
        bell = self.lanes.take(LANE)
        return self.doorbells.answer(bell.order_ids, LANE, stands_for_lane=bell.stands_for_lane)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_doorbell_for_all_that_waits_is_answered_without_a_look_at_the_lane(desk: Desk) -> None:
    desk.accept(1, 10, 11)

    assert desk.work() == 2

    assert (desk.looks, desk.lanes.bells[LANE]) == (0, [])


def test_whoever_leaves_work_of_its_accounts_behind_rings_on(desk: Desk) -> None:
    desk.accept(1, 10, 11, 12, 13, 14)

    assert desk.work() == CLAIM

    assert desk.lanes.bells[LANE] == [Bell((14,), stands_for_lane=True)]


def test_a_doorbell_that_stands_for_the_lane_rings_on_for_orders_of_others(desk: Desk) -> None:
    desk.accept(1, 10)
    desk.accept(2, 20)
    desk.owners |= {30: 3, 40: 4, 41: 4}

    assert desk.doorbells.answer([10], LANE, stands_for_lane=True) == 1

    assert [b.order_ids for b in desk.lanes.bells[LANE]] == [(10,), (20,), (40, 41)]
    assert all(bell.stands_for_lane for bell in desk.lanes.bells[LANE][2:])


def test_batches_are_rung_for_in_the_order_that_the_shuffle_chose(desk: Desk) -> None:
    desk.owners |= {20: 2, 30: 3, 31: 3, 40: 4}
    desk.accept(1, 10)

    bell = desk.lanes.take(LANE)
    desk.doorbells.answer(bell.order_ids, LANE, stands_for_lane=True)

    # No batch holds a part of an account that another one holds as well.
    assert [b.order_ids for b in desk.lanes.bells[LANE]] == [(40,), (30, 31), (20,)]


def test_an_empty_doorbell_takes_those_behind_it_along(desk: Desk) -> None:
    desk.accept(1, 10)
    desk.work()
    desk.lanes.bells[LANE] = [Bell((10,))] * 400

    assert desk.work() == 0

    assert desk.lanes.bells[LANE] == []
    assert desk.claims == [1, 0]
    assert desk.journal == [(Step.LANE_CLEARED, 0)]


def test_an_empty_doorbell_with_none_behind_it_asks_nothing_of_the_database(desk: Desk) -> None:
    desk.accept(1, 10)
    desk.work()
    desk.lanes.ring(LANE, [10])

    desk.work()

    assert (desk.looks, desk.journal) == (0, [])


def test_an_empty_doorbell_that_stands_for_the_lane_looks_for_orders_there(desk: Desk) -> None:
    desk.accept(1, 10)
    desk.work()
    desk.owners[20] = 2

    desk.doorbells.answer([10], LANE, stands_for_lane=True)

    assert desk.lanes.bells[LANE] == [Bell((20,), stands_for_lane=True)]
    assert desk.journal == []


def test_what_was_rung_for_behind_empty_doorbells_is_rung_for_again(desk: Desk) -> None:
    desk.accept(1, 10)
    desk.work()
    desk.lanes.bells[LANE] = [Bell((10,))] * 2
    desk.accept(2, 20, 21)

    assert desk.work() == 0

    assert desk.lanes.bells[LANE] == [Bell((20, 21), stands_for_lane=True)]


def test_a_claim_that_fails_rings_for_nothing(desk: Desk) -> None:
    desk.owners[20] = 2

    with pytest.raises(KeyError):
        desk.doorbells.answer([99], LANE, stands_for_lane=True)

    assert desk.lanes.bells[LANE] == []


def test_a_doorbell_for_an_account_that_another_process_waits_for_is_left_to_it(
    desk: Desk,
) -> None:
    desk.accept(1, 10, 11)
    desk.accept(2, 20)
    desk.elsewhere = {1}

    assert desk.work() == 0

    assert desk.lanes.bells[LANE] == [Bell((20,))]
    assert desk.looks == 0


def test_the_orders_of_others_are_rung_for_where_one_account_is_waited_for_elsewhere(
    desk: Desk,
) -> None:
    desk.owners |= {10: 1, 11: 1, 20: 2}
    desk.accounts |= {10: 1}
    desk.elsewhere = {1}

    desk.doorbells.answer([10], LANE, stands_for_lane=True)

    # Ringing for the first account again would go on for as long as it is held.
    assert desk.lanes.bells[LANE] == [Bell((20,), stands_for_lane=True)]


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 4), st.integers(1, 6)),
        st.sampled_from(["take", "take", "answer", "answer", "stale"]),
    ),
    max_size=80,
)


@given(events=EVENTS, bound=st.integers(1, 4))
def test_whatever_workers_take_and_leave_every_order_is_decided_in_the_end(
    events: list[tuple[int, int] | str], bound: int
) -> None:
    desk = Desk(MemoryLanes(bound))
    bells, taken, number = desk.lanes.bells, list[Bell](), 0
    for event in events:
        if isinstance(event, tuple):
            account, count = event
            full = len(bells[LANE])
            desk.accept(account, *range(number, number + count))
            number += count
            # Only what did not come through a ring is above it.
            assert len(bells[LANE]) <= max(bound, full + 1)
        elif event == "stale" and number:
            bells[LANE].insert(0, Bell((0,)))
        elif event == "take" and bells[LANE]:
            taken.append(desk.lanes.take(LANE))
        elif event == "answer" and taken:
            bell = taken.pop()
            desk.doorbells.answer(bell.order_ids, LANE, stands_for_lane=bell.stands_for_lane)
    for bell in taken:
        desk.doorbells.answer(bell.order_ids, LANE, stands_for_lane=bell.stands_for_lane)
    while bells[LANE]:
        desk.work()

    assert desk.owners == {}
    assert sum(desk.claims) == number
