"""Damaged files of the home, each before the restart of a process that uses it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from angel_x.rehearsal.chaos.environment import Environment, Role, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets
from angel_x.rehearsal.chaos.process_faults import kill_program, kill_worker
from config.loading import RUN_FILE

#: Seconds in which a damaged file must be put aside or written anew.
_REPAIR = 30.0


def _of(role: Role) -> Targets:
    """Name the programs of a role, in a system that has a relay: others keep no such files."""
    return lambda environment: (
        environment.roles.get(role, ()) if environment.roles.get(Role.RELAY) else ()
    )


def damage_metrics(environment: Environment, name: str, random: Random) -> str:
    """Overwrite the counts of the order workers and kill one; its next processes put the files aside."""
    metrics = environment.home / "metrics"
    before = set(metrics.glob("*.damaged-*"))
    damaged = [file for file in metrics.glob("counter_*orders*.db") if _overwrite(file)]
    if not damaged:
        raise Unverified("there are no files of metrics")
    proof = kill_worker(environment, name, random)
    if not environment.within(_REPAIR, lambda: not set(metrics.glob("*.damaged-*")) <= before):
        raise Unverified(f"{proof}, and no damaged file was put aside")
    return f"{len(damaged)} files damaged; {proof}"


def damage_run_file(environment: Environment, name: str, random: Random) -> str:
    """Overwrite the run file and kill a program, which starts without it."""
    file = environment.home / RUN_FILE
    _overwrite(file)
    proof = kill_program(environment, name, random)
    if not environment.within(_REPAIR, lambda: _is_whole(file)):
        raise Unverified(f"{proof}, and {RUN_FILE} stays damaged")
    return f"{proof}, and {RUN_FILE} was written anew"


def _overwrite(file: Path) -> bool:
    """Overwrite the beginning of a file, which keeps its size."""
    try:
        with file.open("r+b") as opened:
            opened.write(b"\xff" * 64)
    except FileNotFoundError:
        return False
    return True


def _is_whole(file: Path) -> bool:
    try:
        return "pids" in json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False


KINDS = (
    Kind("metrics files damaged", 1, _of(Role.ORDER_WORKER), damage_metrics),
    Kind("run file damaged", 1, _of(Role.RELAY), damage_run_file),
)
