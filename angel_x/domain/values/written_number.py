"""Numbers as other programs and people write them: digits from 0 to 9, no blanks, no separators.

Python reads digits of every script, blanks around a number and underscores within.  Such text is a
fault of its sender, and never a price.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_PLAIN = re.compile(r"[0-9A-Za-z.+-]+")
#: The detail of a fault.
RULE = "must be a number in the digits 0 to 9, without blanks"


def is_plain(text: str) -> bool:
    """Return whether a text is written as a number may be; it may still be none, such as ``1.2.3``."""
    return _PLAIN.fullmatch(text) is not None


def plain(value: object) -> object:
    """Return a value that is no text, or plain text.

    Raises:
        ValueError: It is text that is not plain.
    """
    if isinstance(value, str) and not is_plain(value):
        raise ValueError(RULE)
    return value


def written_decimal(text: str) -> Decimal:
    """Return the number that a text is, also where it is not finite.

    Raises:
        ValueError: It is none.
    """
    try:
        return Decimal(str(plain(text)))
    except InvalidOperation as error:
        raise ValueError(RULE) from error
