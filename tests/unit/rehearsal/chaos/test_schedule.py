"""The schedule of a storm, and how its scheduled are kept."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Barrier, Lock
from typing import cast

from angel_x.rehearsal.chaos.environment import Environment, Passage, Role, Unverified
from angel_x.rehearsal.chaos.fault import Kind
from angel_x.rehearsal.chaos.proxy import Proxy
from angel_x.rehearsal.chaos.storm import KINDS, ScheduledFault, Storm, schedule

PATIENCE = 120.0
NOWHERE = cast(Proxy, object())
ROLES = {
    Role.API: ("api",),
    Role.ORDER_WORKER: ("one", "two"),
    Role.EMERGENCY_WORKER: ("emergency",),
    Role.RELAY: ("relay",),
    Role.BEAT: ("beat",),
}


def environment(*, has_roles: bool = True, has_passages: bool = True) -> Environment:
    return Environment(
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
        patience=lambda seconds: seconds,
    )


def test_the_same_seed_makes_the_same_schedule() -> None:
    assert schedule(environment(), 7, 50, 100) == schedule(environment(), 7, 50, 100)
    assert schedule(environment(), 7, 50, 100) != schedule(environment(), 8, 50, 100)


def test_every_kind_comes_up_before_any_comes_up_again() -> None:
    scheduled = schedule(environment(), 7, len(KINDS), 100)

    assert Counter(each.kind.name for each in scheduled) == {kind.name: 1 for kind in KINDS}


def test_faults_are_spread_over_the_whole_time() -> None:
    times = [each.at for each in schedule(environment(), 7, 100, 50)]

    assert times == sorted(times)
    assert 0 <= times[0] < 1
    assert 49 < times[-1] <= 50
    assert max(later - earlier for earlier, later in pairwise(times)) < 1


def test_a_missing_target_gets_no_fault() -> None:
    scheduled = schedule(environment(has_roles=False, has_passages=False), 7, 60, 60)

    assert {each.target for each in scheduled} == {"broker", "database"}


def kept(kinds: list[Kind]) -> Storm:
    scheduled = [ScheduledFault(0.0, kind, kind.targets(environment())[0], 1) for kind in kinds]
    storm = Storm(environment(), scheduled)
    storm.run()
    return storm


def kind(name: str, inject: object, target: str = "target") -> Kind:
    return Kind(name, 1, lambda _environment: [target], inject)  # type: ignore[arg-type]  # an Injection


def test_a_fault_that_is_not_proven_is_reported_and_not_counted() -> None:
    def fail(_environment: Environment, _target: str, _random: Random) -> str:
        raise Unverified("nothing came by")

    storm = kept([kind("shy", fail), kind("bold", lambda *_: "seen")])

    found = {fault.kind: (fault.is_verified, fault.evidence) for fault in storm.faults}
    assert found == {"shy": (False, "nothing came by"), "bold": (True, "seen")}


def test_a_server_that_is_away_for_another_fault_is_no_proof() -> None:
    def fail(_environment: Environment, _target: str, _random: Random) -> str:
        raise ConnectionRefusedError("away")

    (fault,) = kept([kind("late", fail)]).faults

    assert not fault.is_verified
    assert "away" in fault.evidence


def test_one_target_has_one_fault_at_a_time() -> None:
    busy = Lock()

    def inject(_environment: Environment, _target: str, _random: Random) -> str:
        assert busy.acquire(blocking=False)
        busy.release()
        return "alone"

    storm = kept([kind(f"kind {n}", inject) for n in range(20)])

    assert len(storm.faults) == 20


def test_different_targets_have_faults_side_by_side() -> None:
    together = Barrier(2, timeout=PATIENCE)

    def inject(_environment: Environment, _target: str, _random: Random) -> str:
        together.wait()
        return "together"

    storm = kept([kind("one", inject, "here"), kind("two", inject, "there")])

    assert [fault.is_verified for fault in storm.faults] == [True, True]


def test_no_fault_is_injected_after_the_stop() -> None:
    made = environment()
    made.stop.set()
    storm = Storm(made, [ScheduledFault(5.0, kind("late", lambda *_: "seen"), "target", 1)])

    storm.run()

    assert storm.faults == []
