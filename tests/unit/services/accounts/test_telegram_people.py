from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from angel_x.adapters.sealing import Seal, new_key
from angel_x.domain.records.access import Scope
from angel_x.domain.records.telegram_person import TelegramPerson
from angel_x.errors import AccessDenied, AlertsOff, InvalidInput
from angel_x.services.accounts.access import Access
from angel_x.services.accounts.telegram_people import TelegramPeople
from tests.fakes.keys import NOW, MemoryKeys


@dataclass
class MemoryPeople:
    """People in memory, by id, with account, prefix and sealed key."""

    rows: dict[int, tuple[int, str, bytes]] = field(default_factory=dict)

    def put(
        self, person_id: int, user_id: int, key_prefix: str, api_key: bytes, actor: str
    ) -> str | None:
        assert actor
        former = self.rows.get(person_id)
        self.rows[person_id] = (user_id, key_prefix, api_key)
        return former[1] if former else None

    def remove(self, person_id: int, actor: str) -> str | None:
        assert actor
        row = self.rows.pop(person_id, None)
        return row[1] if row else None

    def all(self) -> list[TelegramPerson]:
        return [
            TelegramPerson(
                person_id=person,
                user=str(row[0]),
                key_prefix=row[1],
                scopes=(),
                is_valid=True,
                created_at=NOW,
            )
            for person, row in self.rows.items()
        ]

    def sealed_key(self, person_id: int) -> bytes | None:
        row = self.rows.get(person_id)
        return row[2] if row else None


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def store() -> MemoryPeople:
    return MemoryPeople()


def people(store: MemoryPeople, keys: MemoryKeys, key: str | None) -> TelegramPeople:
    seal = Seal(key)
    return TelegramPeople(store=store, access=Access(keys), sealed=seal.seal, opened=seal.open)


def test_a_person_gets_a_key_of_the_account_that_is_stored_encrypted(
    store: MemoryPeople, keys: MemoryKeys
) -> None:
    listed = people(store, keys, new_key())

    person = listed.allow(41, 7, [Scope.TRADE], actor="cli")

    key = listed.key_of(41)
    assert key is not None
    assert Access(keys).authenticate(key).user_id == 7
    assert person.key_prefix == key.split("_")[1]
    assert key.split("_")[2].encode() not in store.rows[41][2]
    assert listed.key_of(42) is None


def test_a_second_call_replaces_the_account_and_revokes_the_former_key(
    store: MemoryPeople, keys: MemoryKeys
) -> None:
    listed = people(store, keys, new_key())
    listed.allow(41, 7, [Scope.TRADE], actor="cli")
    former = listed.key_of(41)

    listed.allow(41, 8, [Scope.READ], actor="cli")

    key = listed.key_of(41)
    assert former is not None
    assert key is not None
    assert Access(keys).authenticate(key).user_id == 8
    with pytest.raises(AccessDenied):
        Access(keys).authenticate(former)


def test_the_key_of_a_forgotten_person_is_revoked(store: MemoryPeople, keys: MemoryKeys) -> None:
    listed = people(store, keys, new_key())
    listed.allow(41, 7, [Scope.TRADE], actor="cli")
    key = listed.key_of(41)

    listed.forget(41, actor="cli")

    assert key is not None
    assert listed.key_of(41) is None
    with pytest.raises(AccessDenied):
        Access(keys).authenticate(key)
    with pytest.raises(InvalidInput, match="was 41"):
        listed.forget(41, actor="cli")


@pytest.mark.parametrize("person", [0, -1001234567890, 2**52])
def test_a_group_is_no_person(store: MemoryPeople, keys: MemoryKeys, person: int) -> None:
    with pytest.raises(InvalidInput, match=f"was {person}"):
        people(store, keys, new_key()).allow(person, 7, [Scope.TRADE], actor="cli")
    assert keys.records == {}


def test_without_a_key_to_encrypt_with_no_key_is_issued(
    store: MemoryPeople, keys: MemoryKeys
) -> None:
    with pytest.raises(AlertsOff, match="ALERTS_KEY"):
        people(store, keys, None).allow(41, 7, [Scope.TRADE], actor="cli")
    assert keys.records == {}
    assert store.rows == {}
