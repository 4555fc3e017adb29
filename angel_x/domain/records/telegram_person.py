"""People who may send commands by Telegram.  No record here holds a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from angel_x.domain.records.access import Scope
from angel_x.errors import InvalidInput

#: Ids of people have at most 52 significant bits (https://core.telegram.org/bots/api#user).
_LARGEST_ID = 2**52 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramPerson:
    """One person of the list, the account, and the key that the commands use."""

    person_id: int
    user: str
    key_prefix: str
    scopes: tuple[Scope, ...]
    #: Whether the key is valid now: neither revoked nor expired.
    is_valid: bool
    created_at: datetime


def checked_person(person_id: int) -> int:
    """Return the id of a person.

    Raises:
        InvalidInput: It is out of bounds, such as that of a group, which is negative.
    """
    if not 0 < person_id <= _LARGEST_ID:
        raise InvalidInput(
            f"the id must be that of a person, a positive number, was {person_id}",
            field="person_id",
            value=str(person_id),
        )
    return person_id
