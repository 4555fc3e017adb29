"""Faults of our own processes: killed one by one or as a group, and stopped for too long."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import psutil

from angel_x.rehearsal.chaos.environment import Environment, Role, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets
from angel_x.rehearsal.process_tree import ProcessTree, is_alive

#: Seconds in which a killed process must be gone.
_END = 5.0
#: Seconds in which a process that was told to end must be gone.
_GRACE = 30.0
#: Seconds in which another process must take its place.
_RESTART = 30.0
#: Seconds to wait for a worker that is at work.
_BUSY = 2.0
#: Beat's line of log when it begins to lead.
_LEADS = re.compile(rb"^(\S+).*Acquired lock", re.MULTILINE)


def _of(*roles: Role) -> Targets:
    return lambda environment: [name for role in roles for name in environment.roles.get(role, ())]


def kill_child(environment: Environment, name: str, random: Random) -> str:
    """Kill one process of a worker's pool, a busy one if there is one."""
    tree = ProcessTree(environment.pid(name))
    if not tree.children:
        raise Unverified(f"{name} has no processes")
    busy = tree.busy_child(_BUSY, environment.stop)
    victim = busy or random.choice(tree.children)
    with suppress(psutil.NoSuchProcess):
        victim.kill()
    _await_end(environment, [victim], _END)
    known = {child.pid for child in tree.children}

    def is_replaced() -> bool:
        with suppress(psutil.NoSuchProcess):
            return any(child.pid not in known for child in tree.leader.children())
        return True

    if not environment.within(_RESTART, is_replaced):
        raise Unverified(f"process {victim.pid} of {name} was not replaced")
    return f"process {victim.pid} of {name} is gone, {'busy' if busy else 'idle'}"


def kill_worker(environment: Environment, name: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill a worker with all of its processes, while it is busy if possible."""
    tree = ProcessTree(environment.pid(name))
    busy = tree.busy_child(_BUSY, environment.stop)
    proof = _kill(environment, name, tree)
    _await_pool(environment, name)
    return f"{proof}, {'busy' if busy else 'idle'}"


def kill_api(environment: Environment, name: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill the API and wait until it answers again."""
    proof = _kill(environment, name, ProcessTree(environment.pid(name)))
    if not environment.within(_RESTART, environment.api_answers):
        raise Unverified(f"{proof}, and does not answer")
    return proof


def restart_api(environment: Environment, name: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Tell the API to end, under clients with open connections, and wait until it answers again."""
    tree = ProcessTree(environment.pid(name))
    tree.leader.terminate()
    proof = _replaced(environment, name, tree, _GRACE)
    if not environment.within(_RESTART, environment.api_answers):
        raise Unverified(f"{proof}, and does not answer")
    return proof


def stop_child(environment: Environment, name: str, random: Random) -> str:
    """Stop one process of a worker's pool past its lease: messages that it is given are not taken."""
    children = ProcessTree(environment.pid(name)).children
    if not children:
        raise Unverified(f"{name} has no processes")
    victim = random.choice(children)
    seconds = environment.lease_seconds + random.uniform(0.5, 3)
    try:
        victim.suspend()
        environment.pause(seconds)
        stayed = victim.status() == psutil.STATUS_STOPPED
        victim.resume()
    except psutil.NoSuchProcess:
        return f"process {victim.pid} of {name} stopped, and was replaced"
    if not stayed:
        raise Unverified(f"process {victim.pid} of {name} did not stay stopped")
    return f"process {victim.pid} of {name} stopped for {seconds:.1f} s"


def kill_program(environment: Environment, name: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill a program."""
    return _kill(environment, name, ProcessTree(environment.pid(name)))


def kill_leader(environment: Environment, name: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill the Beat that leads."""
    leader = _leading_beat(environment)
    return f"{_kill(environment, leader, ProcessTree(environment.pid(leader)))}, which led"


def stop_worker(environment: Environment, name: str, random: Random) -> str:
    """Stop a worker until its leases have run out, then let it continue."""
    tree = ProcessTree(environment.pid(name))
    seconds = environment.lease_seconds + random.uniform(0.5, 3)
    tree.signal(signal.SIGSTOP)
    try:
        if not environment.within(_END, tree.are_stopped):
            raise Unverified(f"{name} was not stopped")
        environment.pause(seconds)
        stayed = tree.are_stopped() and is_alive(tree.leader)
    finally:
        tree.signal(signal.SIGCONT)
    if not stayed or not environment.within(_END, tree.are_running):
        raise Unverified(f"{name} did not stay stopped for {seconds:.1f} s")
    return f"{len(tree.members)} processes of {name} stopped for {seconds:.1f} s"


def _kill(environment: Environment, name: str, tree: ProcessTree) -> str:
    tree.signal(signal.SIGKILL)
    return _replaced(environment, name, tree, _END)


def _replaced(environment: Environment, name: str, tree: ProcessTree, seconds: float) -> str:
    leader = tree.leader.pid
    _await_end(environment, tree.members, seconds)
    if not environment.within(_RESTART, lambda: environment.pids().get(name) not in {None, leader}):
        raise Unverified(f"no process took the place of {name}")
    count = len(tree.members)
    return f"{name}: {count} processes of group {leader} gone, {environment.pids()[name]} instead"


def _await_end(
    environment: Environment, processes: Sequence[psutil.Process], seconds: float
) -> None:
    if not environment.within(seconds, lambda: not any(map(is_alive, processes))):
        raise Unverified(f"process {processes[0].pid} did not die")


def _await_pool(environment: Environment, name: str) -> None:
    """Wait until a worker has a pool again, so that the next fault finds it at work."""

    def has_pool() -> bool:
        with suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(environment.pids().get(name, -1)).children())
        return False

    environment.within(_RESTART, has_pool)


def _leading_beat(environment: Environment) -> str:
    """Return the Beat that was the last to log that it leads."""
    said: dict[bytes, str] = {}
    for name in environment.roles[Role.BEAT]:
        said |= dict.fromkeys(_LEADS.findall((environment.logs / f"{name}.log").read_bytes()), name)
    if not said:
        raise Unverified("no Beat has said that it leads")
    return said[max(said)]


KINDS = (
    Kind("worker process killed", 4, _of(Role.ORDER_WORKER), kill_child),
    Kind("worker killed", 4, _of(Role.ORDER_WORKER), kill_worker),
    Kind("emergency worker killed", 1, _of(Role.EMERGENCY_WORKER), kill_worker),
    Kind("worker stopped past its lease", 2, _of(Role.ORDER_WORKER), stop_worker),
    Kind("worker process stopped", 2, _of(Role.ORDER_WORKER), stop_child),
    Kind("API restarted", 2, _of(Role.API), restart_api),
    Kind("API killed", 2, _of(Role.API), kill_api),
    Kind("relay killed", 2, _of(Role.RELAY), kill_program),
    Kind(
        "leading Beat killed", 1, lambda g: ["beat"] if g.roles.get(Role.BEAT) else [], kill_leader
    ),
)
