"""Looking for open orders that a trading control does not let stand, and asking for their end.

Whoever turns a kill switch asks once.  That message may be lost, or its worker killed half way.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

log = structlog.get_logger()

_PAUSE_SECONDS = 1.0


class ControlsWatch:
    """Asks again for as long as there is something to cancel; the relay calls it."""

    def __init__(
        self,
        *,
        is_due: Callable[[], bool],
        ask: Callable[[], bool],
        monotonic: Callable[[], float],
    ) -> None:
        self._is_due = is_due
        self._ask = ask
        self._monotonic = monotonic
        self._looked_at = float("-inf")

    def look(self) -> bool:
        """Ask if something is open that should not be, once a second; return whether it asked."""
        now = self._monotonic()
        if now - self._looked_at < _PAUSE_SECONDS:
            return False
        self._looked_at = now
        if not self._is_due():
            return False
        log.info("controls.reminded")
        return self._ask()
