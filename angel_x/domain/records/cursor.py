"""The cursor of a page: opaque to callers; a cursor that the API did not issue is refused."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

from angel_x.errors import InvalidCursor

_TEXT = re.compile(r"before:(?P<id>[1-9][0-9]{0,18})")
_LONGEST = 200
_SHOWN = 80


def encode(before_id: int) -> str:
    """Return the cursor of the page of ids below ``before_id``."""
    return urlsafe_b64encode(f"before:{before_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Return the id below which the page starts.

    Raises:
        InvalidCursor: The text is not exactly that of :func:`encode`.
    """
    try:
        text = _decoded(cursor)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise refusal(cursor) from error
    match = _TEXT.fullmatch(text)
    if match is None or encode(before_id := int(match["id"])) != cursor or before_id >> 63:
        raise refusal(cursor)
    return before_id


def encode_place(at: datetime, rest: Sequence[str]) -> str:
    """Return the cursor of the page behind a row that is sorted by a time and further columns."""
    text = "|".join(["place", at.isoformat(), *rest])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_place(cursor: str, count: int) -> tuple[datetime, list[str]]:
    """Return the time and the ``count`` further columns of the row before the page.

    Raises:
        InvalidCursor: The text is not exactly that of :func:`encode_place`.
    """
    try:
        kind, moment, *rest = _decoded(cursor).split("|")
        at = datetime.fromisoformat(moment)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise refusal(cursor) from error
    if kind != "place" or len(rest) != count or encode_place(at, rest) != cursor:
        raise refusal(cursor)
    return at, rest


def _decoded(cursor: str) -> str:
    if len(cursor) > _LONGEST:
        raise ValueError("too long")
    padding = "=" * (-len(cursor) % 4)
    return urlsafe_b64decode(cursor.encode("ascii") + padding.encode()).decode("ascii")


def refusal(cursor: str) -> InvalidCursor:
    """Return the error for a cursor that no page has given."""
    shown = cursor[:_SHOWN]
    return InvalidCursor(
        f"cursor must be the `next` of an earlier page, was {shown}", field="cursor", value=shown
    )
