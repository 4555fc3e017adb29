"""Confirmations: a code that the same person sends back from the same chat, within a minute and once."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

#: Seconds for which a code is valid.
VALID_SECONDS = 60.0
_LOWEST, _HIGHEST = 1000, 9999


class Speaker(NamedTuple):
    """A person in a chat."""

    chat_id: int
    person_id: int


@dataclass(frozen=True, slots=True)
class Halt:
    """The wish to halt trading of the account, or of the system."""

    reason: str | None = None
    of_system: bool = False


@dataclass(frozen=True, slots=True)
class SquareOff:
    """The wish to square off the account, or the positions in an underlying."""

    underlying: str | None = None


Action = Halt | SquareOff


class Refusal(StrEnum):
    """Reasons why a code confirms nothing."""

    NOTHING = "There is nothing to confirm. Send the command again."
    WRONG = "The code is wrong, so nothing was done. Send the command again."
    LATE = "The code is older than a minute, so nothing was done. Send the command again."


class Confirmations:
    """Actions that wait for their code.  They are forgotten when the process ends."""

    def __init__(self, timer: Callable[[], float], draw: Callable[[], str] | None = None) -> None:
        self._timer = timer
        self._draw = draw or _drawn
        self._waiting: dict[Speaker, tuple[str, float, Action]] = {}

    def ask(self, speaker: Speaker, action: Action) -> str:
        """Return the code of an action; a second call withdraws the first action."""
        code = self._draw()
        self._waiting[speaker] = code, self._timer() + VALID_SECONDS, action
        return code

    def take(self, speaker: Speaker, code: str) -> Action | Refusal:
        """Return the action of a code; a second call, and each call after a wrong code, is refused."""
        if speaker not in self._waiting:
            return Refusal.NOTHING
        expected, until, action = self._waiting.pop(speaker)
        if not hmac.compare_digest(code.encode(), expected.encode()):
            return Refusal.WRONG
        return action if self._timer() < until else Refusal.LATE


def _drawn() -> str:
    return str(_LOWEST + secrets.randbelow(_HIGHEST - _LOWEST + 1))
