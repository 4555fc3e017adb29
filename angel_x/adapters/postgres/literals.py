"""Members of our enums as SQL literals, so that partial indexes are recognized."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


def literals(members: Iterable[StrEnum]) -> str:
    """Return the members as a list in parentheses, sorted, for ``IN``."""
    return "(" + ", ".join(f"'{value}'" for value in sorted(members)) + ")"
