"""The list of people who may send commands by Telegram, each with a key of one account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from angel_x.domain.records.access import Scope
from angel_x.domain.records.telegram_person import TelegramPerson, checked_person
from angel_x.errors import InvalidInput
from angel_x.services.accounts.access import Access, prefix_of


class PeopleStore(Protocol):
    """The stored people."""

    def put(
        self, person_id: int, user_id: int, key_prefix: str, api_key: bytes, actor: str
    ) -> str | None: ...
    def remove(self, person_id: int, actor: str) -> str | None: ...
    def all(self) -> Sequence[TelegramPerson]: ...
    def sealed_key(self, person_id: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramPeople:
    """Allows and forgets people.  Their keys are made here and never shown."""

    store: PeopleStore
    access: Access
    #: Encrypts a key.
    sealed: Callable[[str], bytes]
    #: Decrypts a key.
    opened: Callable[[bytes], str]

    def allow(
        self, person_id: int, user_id: int, scopes: Iterable[Scope], *, actor: str
    ) -> TelegramPerson:
        """List a person with a new key of an account; a second call replaces account and key.

        Raises:
            InvalidInput: The id is not that of a person.
            AlertsOff: There is no key to encrypt with.
        """
        checked_person(person_id)
        # Refuses before a key is issued.
        self.sealed("")
        key = self.access.issue(user_id, scopes)
        prefix = prefix_of(key)
        assert prefix is not None
        former = self.store.put(person_id, user_id, prefix, self.sealed(key), actor)
        if former is not None:
            self.access.revoke(former)
        return next(each for each in self.store.all() if each.person_id == person_id)

    def forget(self, person_id: int, *, actor: str) -> None:
        """Remove a person, and revoke the key.

        Raises:
            InvalidInput: The person is not listed, or not any more.
        """
        prefix = self.store.remove(person_id, actor)
        if prefix is None:
            raise InvalidInput(f"the id must be that of a listed person, was {person_id}")
        self.access.revoke(prefix)

    def all(self) -> Sequence[TelegramPerson]:
        """Return the listed people by id."""
        return self.store.all()

    def key_of(self, person_id: int) -> str | None:
        """Return the key of a person, None where the person is not listed.

        Raises:
            AlertsOff: No key of ALERTS_KEY opens it.
        """
        sealed = self.store.sealed_key(person_id)
        return None if sealed is None else self.opened(sealed)
