"""The watch for open orders that a trading state does not allow.

Setting a trading state dispatches one cancellation message.  It may be lost, or its worker killed.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

log = structlog.get_logger()

_PAUSE_SECONDS = 1.0
#: The largest share of time for looks: a slow one is followed by a longer pause.
_SHARE = 0.1


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
        self._next_look = float("-inf")

    def look(self) -> bool:
        """Dispatch if such orders are open, at most once a second; return whether a message was sent."""
        started = self._monotonic()
        if started < self._next_look:
            return False
        self._next_look = started + _PAUSE_SECONDS
        is_due = self._is_due()
        took = self._monotonic() - started
        self._next_look = started + max(_PAUSE_SECONDS, took / _SHARE)
        if not is_due:
            return False
        log.info("controls.reminded")
        return self._ask()
