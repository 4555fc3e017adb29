"""The loop of the process: asks for updates, carries out commands of listed people, and answers.

An update is taken in the database before it is carried out, so a command is carried out once at most,
whatever process dies.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Protocol

import structlog

from angel_x.adapters.telegram_bot import Message, Update
from angel_x.client import Client
from angel_x.entrypoints.signals import stopped_by_signal
from angel_x.entrypoints.telegram import texts
from angel_x.entrypoints.telegram.confirmation import Speaker
from angel_x.entrypoints.telegram.conversation import Conversation, told_end
from angel_x.entrypoints.telegram.strangers import Strangers
from angel_x.errors import AlertsOff, ApiError, BotUnanswered

log = structlog.get_logger()

#: Seconds of a long poll, and of one while the end of a square-off is awaited.
_POLL_SECONDS, _WATCH_SECONDS = 25, 2
#: Seconds after which a command is not carried out any more.
_OLDEST_SECONDS = 60
#: Seconds for which the end of a square-off is awaited.
_PATIENCE_SECONDS = 600.0
_LONGEST_PAUSE_SECONDS = 60.0
#: Failures after which pauses grow no more.
_DOUBLED = 10
_ATTEMPTS = 3
_PRIVATE = "private"


class Bot(Protocol):
    def updates(self, first_id: int | None, wait_seconds: int) -> Sequence[Update]: ...
    def send(self, chat_id: int, text: str) -> None: ...


class Cursor(Protocol):
    def next_id(self) -> int | None: ...
    def take(self, update_id: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A square-off whose end is to be told."""

    speaker: Speaker
    square_off_id: str
    until: float


@dataclass(slots=True, kw_only=True)
class Listener:
    """Belongs to one bot.  Of two processes with one token each command is carried out by one."""

    bot: Bot
    cursor: Cursor
    #: Returns the API key of a person, None where the person is not listed.
    key_of: Callable[[int], str | None]
    connect: Callable[[str], Client]
    conversation: Conversation
    strangers: Strangers
    clock: Callable[[], datetime]
    timer: Callable[[], float]
    sleep: Callable[[float], None]
    #: The exceptions that mean an unavailable database.
    unreachable: tuple[type[Exception], ...]
    #: Held while a command is carried out.
    busy: Lock = field(default_factory=Lock, init=False)
    _awaited: list[_Awaited] = field(default_factory=list, init=False)

    def listen(self, stop: Event) -> None:
        """Take updates until the event is set, also after outages, with growing pauses."""
        expected: tuple[type[Exception], ...] = (BotUnanswered, *self.unreachable)
        failures = 0
        while not stop.is_set():
            try:
                self.turn(stop)
                failures = 0
            except expected as error:
                if stop.is_set():
                    return
                failures += 1
                log.warning("telegram.waiting", error=str(error), failures=failures)
                stop.wait(_pause(failures, getattr(error, "retry_after", None)))
            except Exception:
                failures += 1
                log.exception("telegram.failed")
                stop.wait(_pause(failures, None))

    def turn(self, stop: Event, wait_seconds: int | None = None) -> None:
        """Ask for updates once, answer them, and tell the ends of square-offs."""
        if wait_seconds is None:
            wait_seconds = _WATCH_SECONDS if self._awaited else _POLL_SECONDS
        for update in self.bot.updates(self.cursor.next_id(), wait_seconds):
            with self.busy:
                if stop.is_set():
                    return
                if self.cursor.take(update.id):
                    self._heard(update)
        self._tell_ends()

    def _heard(self, update: Update) -> None:
        message = update.message
        # In a group everybody would read the answers.
        if message is None or message.sender is None or message.chat.type != _PRIVATE:
            return
        key = self._key(message.sender.id)
        if key is None:
            self.strangers.note(message.sender.id)
        elif message.text:
            self._answer(message, Speaker(message.chat.id, message.sender.id), key, update.id)

    def _answer(self, message: Message, speaker: Speaker, key: str, update_id: int) -> None:
        if self.clock().timestamp() - message.date > _OLDEST_SECONDS:
            self._say(speaker.chat_id, texts.TOO_OLD)
            return
        with self.connect(key) as client:
            # With the date, because ids begin anew after a quiet week.
            key_of_action = f"telegram-{update_id}-{message.date}"
            reply = self.conversation.answer(speaker, client, message.text or "", key_of_action)
        if reply.running is not None:
            until = self.timer() + _PATIENCE_SECONDS
            self._awaited.append(_Awaited(speaker, reply.running, until))
        self._say(speaker.chat_id, reply.text)

    def _tell_ends(self) -> None:
        for each in list(self._awaited):
            text = self._end_of(each)
            if text is not None:
                self._awaited.remove(each)
                self._say(each.speaker.chat_id, text)

    def _end_of(self, awaited: _Awaited) -> str | None:
        key = self._key(awaited.speaker.person_id)
        if key is None or self.timer() > awaited.until:
            return f"Square-off {awaited.square_off_id} is not followed here any more."
        try:
            with self.connect(key) as client:
                return told_end(client, awaited.square_off_id)
        except ApiError as error:
            log.debug("telegram.unread", error=str(error))
            return None

    def _key(self, person_id: int) -> str | None:
        try:
            return self.key_of(person_id)
        except AlertsOff as error:
            log.warning("telegram.unopened", person_id=person_id, error=str(error))
            return None

    def _say(self, chat_id: int, text: str) -> None:
        """Send an answer, at most three times; a command is not carried out again for its answer."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self.bot.send(chat_id, text)
            except BotUnanswered as error:
                log.warning("telegram.unanswered", attempt=attempt, error=str(error))
                if error.is_final:
                    return None
                self.sleep(min(_pause(attempt - 1, error.retry_after), 5.0))
        return None


def run(listener: Listener, stop: Event | None = None) -> None:
    """Listen until SIGTERM or SIGINT; a command that is being carried out ends first."""
    with stopped_by_signal(stop or Event()) as stopped:
        # A thread, because a long poll would hold up the end.
        Thread(target=listener.listen, args=(stopped,), name="telegram", daemon=True).start()
        stopped.wait()
        with listener.busy:
            pass


def _pause(failures: int, retry_after: float | None) -> float:
    """Return the seconds before another attempt, of which a half is drawn."""
    longest = min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(failures, _DOUBLED))
    return max(retry_after or 0.0, longest * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
