"""Faults of our own processes: killed one by one or as a group, and stopped for too long."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import psutil

from angel_x.rehearsal.chaos.environment import Ground, Role, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets
from angel_x.rehearsal.chaos.process_tree import Family, is_alive

#: Seconds in which a killed process must be gone.
_DEATH = 5.0
#: Seconds in which somebody must take its place.
_REBIRTH = 30.0
#: Seconds in which a worker is waited for to be at work.
_BUSY = 2.0
#: What Beat writes when it begins to lead.
_LEADS = re.compile(rb"^(\S+).*Acquired lock", re.MULTILINE)


def _of(*roles: Role) -> Targets:
    return lambda ground: [name for role in roles for name in ground.roles.get(role, ())]


def kill_child(ground: Ground, name: str, random: Random) -> str:
    """Kill one process of a worker's pool, one that works if there is one."""
    family = Family(ground.pid(name))
    if not family.children:
        raise Unverified(f"{name} has no processes")
    busy = family.await_work(ground, _BUSY)
    victim = busy or random.choice(family.children)
    with suppress(psutil.NoSuchProcess):
        victim.kill()
    _await_death(ground, [victim])
    known = {child.pid for child in family.children}

    def is_replaced() -> bool:
        with suppress(psutil.NoSuchProcess):
            return any(child.pid not in known for child in family.leader.children())
        return True

    if not ground.within(_REBIRTH, is_replaced):
        raise Unverified(f"process {victim.pid} of {name} was not replaced")
    return f"process {victim.pid} of {name} is gone, {'busy' if busy else 'idle'}"


def kill_worker(ground: Ground, name: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill a worker with all of its processes, at work if it can be met so."""
    family = Family(ground.pid(name))
    busy = family.await_work(ground, _BUSY)
    proof = _kill(ground, name, family)
    _await_pool(ground, name)
    return f"{proof}, {'busy' if busy else 'idle'}"


def kill_api(ground: Ground, name: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill the API and wait until it answers again."""
    proof = _kill(ground, name, Family(ground.pid(name)))
    if not ground.within(_REBIRTH, ground.api_answers):
        raise Unverified(f"{proof}, and does not answer")
    return proof


def kill_program(ground: Ground, name: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill a program."""
    return _kill(ground, name, Family(ground.pid(name)))


def kill_leader(ground: Ground, name: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill the Beat that leads."""
    leader = _leading_beat(ground)
    return f"{_kill(ground, leader, Family(ground.pid(leader)))}, which led"


def stop_worker(ground: Ground, name: str, random: Random) -> str:
    """Stop a worker until its leases have run out, then let it go on as if nothing had been."""
    family = Family(ground.pid(name))
    seconds = ground.lease_seconds + random.uniform(0.5, 3)
    family.signal(signal.SIGSTOP)
    try:
        if not ground.within(_DEATH, family.are_stopped):
            raise Unverified(f"{name} was not stopped")
        ground.pause(seconds)
        stayed = family.are_stopped() and is_alive(family.leader)
    finally:
        family.signal(signal.SIGCONT)
    if not stayed or not ground.within(_DEATH, family.are_running):
        raise Unverified(f"{name} did not stay stopped for {seconds:.1f} s")
    return f"{len(family.members)} processes of {name} stopped for {seconds:.1f} s"


def _kill(ground: Ground, name: str, family: Family) -> str:
    leader = family.leader.pid
    family.signal(signal.SIGKILL)
    _await_death(ground, family.members)
    if not ground.within(_REBIRTH, lambda: ground.pids().get(name) not in {None, leader}):
        raise Unverified(f"nobody took the place of {name}")
    count = len(family.members)
    return f"{name}: {count} processes of group {leader} gone, {ground.pids()[name]} instead"


def _await_death(ground: Ground, processes: Sequence[psutil.Process]) -> None:
    if not ground.within(_DEATH, lambda: not any(map(is_alive, processes))):
        raise Unverified(f"process {processes[0].pid} did not die")


def _await_pool(ground: Ground, name: str) -> None:
    """Wait until a worker has processes, or for long enough; the next fault finds it at work."""

    def has_pool() -> bool:
        with suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(ground.pids().get(name, -1)).children())
        return False

    ground.within(_REBIRTH, has_pool)


def _leading_beat(ground: Ground) -> str:
    """Return the Beat that was the last to say that it leads, as long as it lives."""
    said: dict[bytes, str] = {}
    for name in ground.roles[Role.BEAT]:
        said |= dict.fromkeys(_LEADS.findall((ground.logs / f"{name}.log").read_bytes()), name)
    if not said:
        raise Unverified("no Beat has said that it leads")
    return said[max(said)]


KINDS = (
    Kind("worker process killed", 4, _of(Role.ORDER_WORKER), kill_child),
    Kind("worker killed", 4, _of(Role.ORDER_WORKER), kill_worker),
    Kind("emergency worker killed", 1, _of(Role.EMERGENCY_WORKER), kill_worker),
    Kind("worker stopped past its lease", 2, _of(Role.ORDER_WORKER), stop_worker),
    Kind("API killed", 2, _of(Role.API), kill_api),
    Kind("relay killed", 2, _of(Role.RELAY), kill_program),
    Kind(
        "leading Beat killed", 1, lambda g: ["beat"] if g.roles.get(Role.BEAT) else [], kill_leader
    ),
)
