"""The process that ends the children of a supervisor which was killed.

It starts in milliseconds, without site packages.  Its argument is the number of seconds in which
processes may end by themselves.  Standard input brings ``+PID`` for each process group that was started
and ``-PID`` for each that has ended; its end means that the supervisor is gone.
"""

from __future__ import annotations

import signal
import sys
import time

from angel_x.adapters.children.lineage import is_alive, kill_group, signal_process

_POLL_SECONDS = 0.1


def read_groups() -> list[int]:
    """Return the groups that are left when the input ends, in the order in which they started."""
    groups: list[int] = []
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            groups.append(pid)
        elif pid in groups:
            groups.remove(pid)
    return groups


def sweep(groups: list[int], patience: float) -> None:
    """Ask every leader to stop, the last one first, then end the rest of each group."""
    for pid in reversed(groups):
        signal_process(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while groups:
        for pid in [p for p in groups if not is_alive(p) or time.monotonic() > deadline]:
            kill_group(pid)
            groups.remove(pid)
        time.sleep(_POLL_SECONDS)


def main() -> None:
    """Sweep once the supervisor is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sweep(read_groups(), float(sys.argv[1]))
