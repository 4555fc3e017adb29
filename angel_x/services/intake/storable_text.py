"""Text that PostgreSQL can hold: no NUL, and no half of a character."""

from __future__ import annotations

import re

from angel_x.errors import InvalidInput

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN = 40


#: The detail of a fault of text that cannot be stored.
RULE = "must be text without NUL and halves of characters"


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL and Redis can store a text."""
    return _UNSTORABLE.search(text) is None


def check_text(field: str, text: str) -> None:
    """Refuse text that cannot be stored or looked up.

    Raises:
        InvalidInput: With the field, and the text as Python would write it.
    """
    if not is_storable(text):
        value = ascii(text)[1:-1][:_SHOWN]
        raise InvalidInput(
            f"{field} {RULE}, was {value}",
            field=field,
            value=value,
        )
