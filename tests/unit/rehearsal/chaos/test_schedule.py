"""The schedule of a storm, and how its appointments are kept."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Barrier, Lock
from typing import cast

from angel_x.rehearsal.chaos.environment import Ground, Passage, Role, Unverified
from angel_x.rehearsal.chaos.fault import Kind
from angel_x.rehearsal.chaos.proxy import Proxy
from angel_x.rehearsal.chaos.storm import KINDS, Appointment, Storm, schedule

PATIENCE = 120.0
NOWHERE = cast(Proxy, object())
ROLES = {
    Role.API: ("api",),
    Role.ORDER_WORKER: ("one", "two"),
    Role.EMERGENCY_WORKER: ("emergency",),
    Role.RELAY: ("relay",),
    Role.BEAT: ("beat",),
}


def ground(*, has_roles: bool = True, has_passages: bool = True) -> Ground:
    return Ground(
        pids=dict,
        server_pids=dict,
        roles=ROLES if has_roles else {},
        passages=dict.fromkeys(Passage, NOWHERE) if has_passages else {},
        broker_url="",
        database_url="",
        broker_folder=Path(),
        queues=("orders.normal",),
        logs=Path(),
        api_answers=lambda: True,
        lease_seconds=1,
    )


def test_the_same_seed_makes_the_same_schedule() -> None:
    assert schedule(ground(), 7, 50, 100) == schedule(ground(), 7, 50, 100)
    assert schedule(ground(), 7, 50, 100) != schedule(ground(), 8, 50, 100)


def test_every_kind_comes_up_before_any_comes_up_again() -> None:
    appointments = schedule(ground(), 7, len(KINDS), 100)

    assert Counter(each.kind.name for each in appointments) == {kind.name: 1 for kind in KINDS}


def test_faults_are_spread_over_the_whole_time() -> None:
    times = [each.at for each in schedule(ground(), 7, 100, 50)]

    assert times == sorted(times)
    assert 0 <= times[0] < 1
    assert 49 < times[-1] <= 50
    assert max(later - earlier for earlier, later in pairwise(times)) < 1


def test_what_is_not_there_is_not_struck() -> None:
    appointments = schedule(ground(has_roles=False, has_passages=False), 7, 60, 60)

    assert {each.target for each in appointments} == {"broker", "database"}


def kept(strikes: list[Kind]) -> Storm:
    appointments = [Appointment(0.0, kind, kind.targets(ground())[0], 1) for kind in strikes]
    storm = Storm(ground(), appointments)
    storm.rage()
    return storm


def kind(name: str, strike: object, target: str = "target") -> Kind:
    return Kind(name, 1, lambda _ground: [target], strike)  # type: ignore[arg-type]  # a Strike


def test_a_fault_that_is_not_proven_is_reported_and_not_counted() -> None:
    def fail(_ground: Ground, _target: str, _random: Random) -> str:
        raise Unverified("nothing came by")

    storm = kept([kind("shy", fail), kind("bold", lambda *_: "seen")])

    found = {fault.kind: (fault.is_verified, fault.evidence) for fault in storm.faults}
    assert found == {"shy": (False, "nothing came by"), "bold": (True, "seen")}


def test_a_server_that_is_away_for_another_fault_is_no_proof() -> None:
    def fail(_ground: Ground, _target: str, _random: Random) -> str:
        raise ConnectionRefusedError("away")

    (fault,) = kept([kind("late", fail)]).faults

    assert not fault.is_verified
    assert "away" in fault.evidence


def test_one_target_is_never_struck_twice_at_once() -> None:
    busy = Lock()

    def strike(_ground: Ground, _target: str, _random: Random) -> str:
        assert busy.acquire(blocking=False)
        busy.release()
        return "alone"

    storm = kept([kind(f"kind {n}", strike) for n in range(20)])

    assert len(storm.faults) == 20


def test_different_targets_are_struck_side_by_side() -> None:
    together = Barrier(2, timeout=PATIENCE)

    def strike(_ground: Ground, _target: str, _random: Random) -> str:
        together.wait()
        return "together"

    storm = kept([kind("one", strike, "here"), kind("two", strike, "there")])

    assert [fault.is_verified for fault in storm.faults] == [True, True]


def test_nothing_is_struck_after_somebody_said_to_stop() -> None:
    made = ground()
    made.stop.set()
    storm = Storm(made, [Appointment(5.0, kind("late", lambda *_: "seen"), "target", 1)])

    storm.rage()

    assert storm.faults == []
