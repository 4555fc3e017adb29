"""CPU time of process trees, from the kernel's counters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

import psutil

#: What a command line says of its process, the first match counts.
_ROLES = (
    (re.compile(r"^postgres: |/postgres "), "postgres"),
    (re.compile(r"valkey-server|redis-server"), "valkey"),
    (re.compile(r"-n (\w+)@"), ""),
    (re.compile(r"entrypoints\.cli (\w+)"), ""),
    (re.compile(r"flower$| beat$|guardian|sweeper"), ""),
    (re.compile(r"uvicorn"), "api"),
    (re.compile(r"celery|dramatiq|procrastinate|dbos"), "worker"),
)


def cpu_seconds(roots: Iterable[int]) -> dict[str, float]:
    """Return the CPU seconds of processes and all below them, by role.

    User and system time, with that of children that ended and were waited for.  Subtract an earlier
    reading for the seconds between the two; a process that starts between them counts from its start.
    """
    used: dict[str, float] = {}
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(root)
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    ended = times.children_user + times.children_system
                    role = role_of(" ".join(each.cmdline()))
                    used[role] = used.get(role, 0.0) + times.user + times.system + ended
    return used


def between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds that each role used between two readings, the largest first."""
    used = {role: seconds - before.get(role, 0.0) for role, seconds in after.items()}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def role_of(command: str) -> str:
    """Name the role of a process by its command line."""
    for pattern, role in _ROLES:
        if match := pattern.search(command):
            return role or (match[1] if pattern.groups else match[0].strip())
    return "other"
