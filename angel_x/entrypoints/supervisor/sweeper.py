"""The process that ends what a supervisor has started when the supervisor itself is killed.

It is run by path with ``python -I -S``, so it starts in milliseconds and imports the standard
library only.  Its argument says how many seconds processes get to end by themselves.  Standard
input brings ``+PID`` for each process group that was started and ``-PID`` for each that has ended;
the end of the input means that the supervisor is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

_GLANCE = 0.1


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


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def sweep(groups: list[int], patience: float) -> None:
    """Ask every leader to stop, the last one first, then end what is left of each group."""
    for pid in reversed(groups):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while groups:
        for pid in [p for p in groups if not is_alive(p) or time.monotonic() > deadline]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            groups.remove(pid)
        time.sleep(_GLANCE)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sweep(read_groups(), float(sys.argv[1]))


if __name__ == "__main__":
    main()
