"""The refusal of a message, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.errors import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRecord:
    """A message that was refused; every delivery of it gets the same answer."""

    #: The name of the error.
    title: str
    detail: str
    errors: tuple[Fault, ...] = ()
    #: Empty of a refusal that was kept before it was noted.
    message_id: str = ""
