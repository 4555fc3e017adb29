"""Redaction of log events: secrets masked and sizes bounded, for events of libraries too.

A traceback is text without the values of local variables, which contain requests, keys and addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, MutableMapping
from traceback import TracebackException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from structlog.typing import ExcInfo

MASK = "***"
#: Characters of one field in JSON.
FIELD_LIMIT = 2_000
#: Characters of a traceback, half of them from either end.
TRACEBACK_LIMIT = 8_000
#: Characters of all fields of an event together, without its traceback.
EVENT_LIMIT = 8_000
#: The innermost frames that are kept of each error of a chain.
_FRAMES = 30
_FIELDS = 40
#: Fields that are written first, before the limits apply to the others.
_FIRST = (
    "event",
    "level",
    "timestamp",
    "logger",
    "role",
    "node",
    "request_id",
    "trace_id",
    "span_id",
    "exception",
)
_NAME_LIMIT = 100
#: A shorter password occurs in ordinary text by chance; it is masked within addresses only.
_SHORTEST_SECRET = 6
_PATTERNS = (
    # The password of an address, unescaped characters in it included.
    (re.compile(r"(://[^\s/:@'\"]*):[^\s'\"]*@"), rf"\1:{MASK}@"),
    (re.compile(r"([?&](?:ssl_?)?password=)[^\s&'\"]*", re.IGNORECASE), rf"\1{MASK}"),
    # The prefix of an API key is kept: it identifies the key for revocation.
    (re.compile(r"(ax_[0-9a-f]{12})_[0-9a-f]{8,}"), rf"\1_{MASK}"),
    (re.compile(r"\b(bearer|basic)(\s+)[\w+/=.~-]{16,}", re.IGNORECASE), rf"\1\2{MASK}"),
)


class Redaction:
    """A log processor that masks secrets and bounds every field."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {
            s for secret in secrets for s in (secret, unquote(secret), quote(secret, "")) if s
        }
        known = sorted((s for s in spelled if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def masked(self, text: str) -> str:
        """Replace every known secret and every text that matches the pattern of one."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for pattern, shown in _PATTERNS:
            text = pattern.sub(shown, text)
        return text

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Return the redacted event."""
        room = EVENT_LIMIT
        safe: dict[str, Any] = {}
        names = sorted(event, key=lambda name: name not in _FIRST)
        for name in names[:_FIELDS]:
            limit = TRACEBACK_LIMIT if name == "exception" else min(FIELD_LIMIT, room)
            shown, size = self._bounded(event[name], limit)
            safe[shortened(self.masked(str(name)), _NAME_LIMIT)] = shown
            room -= 0 if name == "exception" else size
        if len(event) > _FIELDS:
            safe["fields_dropped"] = len(event) - _FIELDS
        return safe

    def _bounded(self, value: object, limit: int) -> tuple[object, int]:
        """Return a value, shortened to the limit, and its number of characters."""
        if isinstance(value, str):
            text = shortened(self.masked(value), limit)
            return text, _size(text)
        # A field of another type is kept unless its text must be masked or shortened.
        plain = _spelled(value)
        safe = shortened(self.masked(plain), limit)
        return (value, len(plain)) if safe == plain else (safe, _size(safe))


def traceback_of(exc_info: ExcInfo) -> str:
    """Return the frames, files and lines of an error and of its causes."""
    kind, error, trace = exc_info
    found = TracebackException(kind, error, trace, limit=-_FRAMES, max_group_width=5, compact=True)
    return "".join(found.format()).rstrip()


def shortened(text: str, limit: int) -> str:
    """Shorten a text in the middle so that its JSON is within the limit."""
    if len(text) <= limit and _size(text) <= limit:
        return text
    keep = max(limit // 2 - 2, 0)
    # A character takes up to twelve characters in JSON.
    while keep and _size(text[:keep]) + _size(text[-keep:]) > limit:
        keep = keep * 2 // 3
    return f"{text[:keep]}…{text[-keep:]}" if keep else "…"


def _size(text: str) -> int:
    return len(json.dumps(text))


def _spelled(value: object) -> str:
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
