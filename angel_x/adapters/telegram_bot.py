"""The Bot API of Telegram (https://core.telegram.org/bots/api), by long polling.

The token is a part of every address.  It is in memory here only: the HTTP library logs no request, and
no error of it is passed on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeVar

import httpx
import msgspec

from angel_x.errors import BotUnanswered

_Result = TypeVar("_Result")

_CONNECT_SECONDS = 5.0
#: Seconds beyond those of a long poll in which an answer comes.
_ANSWER_SECONDS = 10.0
_CONNECTIONS = 4
_UPDATES = 20
#: The longest text of a message (https://core.telegram.org/bots/api#sendmessage).
LONGEST_TEXT = 4096
#: Answers to be repeated: too many requests, and failures of the server.
_TOO_MANY, _FIRST_FAILURE = 429, 500


class Place(msgspec.Struct, frozen=True):
    """A chat."""

    id: int
    type: str


class Sender(msgspec.Struct, frozen=True):
    """A person, or another bot."""

    id: int


class Message(msgspec.Struct, frozen=True):
    """A message as it came."""

    #: Seconds since 1970, on the clock of Telegram.
    date: int
    chat: Place
    sender: Sender | None = msgspec.field(default=None, name="from")
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """An update; without a message where it has none that can be read."""

    id: int
    message: Message | None


class _RawUpdate(msgspec.Struct):
    update_id: int
    message: msgspec.Raw = msgspec.Raw(b"null")


class _Parameters(msgspec.Struct):
    retry_after: float | None = None


class _Envelope(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class TelegramBot:
    """One bot.  Redirects are not followed, and certificates are verified."""

    def __init__(self, url: str, token: str) -> None:
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._address = f"{url.rstrip('/')}/bot{token}"
        self._http = httpx.Client(limits=httpx.Limits(max_connections=_CONNECTIONS))

    def __repr__(self) -> str:
        return "TelegramBot()"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def updates(self, first_id: int | None, wait_seconds: int) -> list[Update]:
        """Return the updates from an id on, after at most so many seconds; earlier ones are dropped.

        Raises:
            BotUnanswered: It was refused, or there was no answer.
        """
        asked: dict[str, object] = {
            "timeout": wait_seconds,
            "limit": _UPDATES,
            "allowed_updates": ["message"],
        }
        if first_id is not None:
            asked["offset"] = first_id
        raw = self._call("getUpdates", asked, list[_RawUpdate], wait_seconds)
        return [Update(each.update_id, _message(each.message)) for each in raw]

    def send(self, chat_id: int, text: str) -> None:
        """Send a text, which is cut at the longest that is allowed, without any markup.

        Raises:
            BotUnanswered: It was refused, or there was no answer.
        """
        content = {
            "chat_id": chat_id,
            "text": text[:LONGEST_TEXT],
            "link_preview_options": {"is_disabled": True},
        }
        self._call("sendMessage", content, dict[str, msgspec.Raw])

    def _call(
        self,
        method: str,
        content: dict[str, object],
        result: type[_Result],
        wait_seconds: int = 0,
    ) -> _Result:
        timeout = httpx.Timeout(_CONNECT_SECONDS, read=wait_seconds + _ANSWER_SECONDS)
        try:
            answer = self._http.post(f"{self._address}/{method}", json=content, timeout=timeout)
            envelope = msgspec.json.decode(answer.content, type=_Envelope)
            if envelope.ok:
                return msgspec.json.decode(envelope.result, type=result)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
            # The request of the error holds the token, so the error itself goes no further.
            raise BotUnanswered(f"no answer to {method}: {type(error).__name__}") from None
        raise _refused(method, envelope)


def _refused(method: str, envelope: _Envelope) -> BotUnanswered:
    code = envelope.error_code
    return BotUnanswered(
        f"{method} was refused with {code}: {envelope.description}",
        retry_after=envelope.parameters.retry_after,
        is_final=code != _TOO_MANY and code < _FIRST_FAILURE,
    )


def _message(raw: msgspec.Raw) -> Message | None:
    try:
        return msgspec.json.decode(raw, type=Message | None)
    except msgspec.DecodeError:
        # Of a kind that is not known here: it must not stand in the way of later ones.
        return None
