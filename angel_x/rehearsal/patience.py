"""The patience of a rehearsal: it waits as long as something moves, at the speed of the machine.

Measured is how long its system took to start, and how busy the processors are now.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from angel_x.adapters.slowness import slowness
from angel_x.rehearsal.waiting import Interrupted, holds_while_moving

#: Seconds that the start of the system takes on two idle cores.
_USUAL_START = 12.0
#: Seconds without any movement after which a wait ends, at the speed of two idle cores.
STANDSTILL = 60.0


class Patience:
    """The waits of one rehearsal.  ``start_seconds`` is how long its system took to start."""

    def __init__(self, stop: Event, start_seconds: float) -> None:
        self._stop = stop
        self._slowness = max(1.0, start_seconds / _USUAL_START)
        #: The subjects of the waits that gave up.
        self.unfinished: list[str] = []

    def seconds(self, usual: float) -> float:
        """Return the seconds that are as long on this machine as usual ones on two idle cores."""
        return usual * max(self._slowness, slowness())

    def wait(
        self,
        subject: str,
        condition: Callable[[], bool],
        *,
        progress: Callable[[], object] = lambda: None,
        seconds: float = STANDSTILL,
    ) -> bool:
        """Return whether a condition becomes true; else the subject is unfinished.

        It gives up when ``progress`` has not changed for some usual seconds.

        Raises:
            Interrupted: The rehearsal was told to stop.
        """
        holds = holds_while_moving(self.seconds(seconds), condition, progress, self._stop)
        if self._stop.is_set():
            raise Interrupted("the rehearsal was told to stop")
        if not holds:
            self.unfinished.append(subject)
        return holds
