"""The watch for open orders that a trading state does not allow.

Setting a trading state dispatches one cancellation message.  It may be lost, or its worker killed.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

log = structlog.get_logger()

_PAUSE_SECONDS = 1.0


class ControlsWatch:
    """Dispatches the cancellation again while such orders are open; the relay calls it."""

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
        """Dispatch if such orders are open, at most once a second; return whether a message was sent."""
        now = self._monotonic()
        if now - self._looked_at < _PAUSE_SECONDS:
            return False
        self._looked_at = now
        if not self._is_due():
            return False
        log.info("controls.reminded")
        return self._ask()
