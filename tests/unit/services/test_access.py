from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from angel_x.domain.access import Identity, KeyRecord, Scope, parse_scopes
from angel_x.errors import AccessDenied
from angel_x.services.access import REMEMBERED_SECONDS, Access

NOW = datetime(2026, 8, 19, tzinfo=UTC)


class FakeKeys:
    def __init__(self) -> None:
        self.records: dict[str, KeyRecord] = {}
        self.reads = 0

    def add_key(self, user_id: int, prefix: str, digest: bytes, scopes: Iterable[Scope]) -> None:
        self.records[prefix] = KeyRecord(prefix, user_id, digest, tuple(scopes), NOW)

    def key(self, prefix: str) -> KeyRecord | None:
        self.reads += 1
        return self.records.get(prefix)

    def keys_of(self, user_id: int) -> list[KeyRecord]:
        return [record for record in self.records.values() if record.user_id == user_id]

    def revoke_key(self, prefix: str) -> bool:
        record = self.records.get(prefix)
        if record is None or record.revoked_at is not None:
            return False
        self.records[prefix] = KeyRecord(
            prefix, record.user_id, record.digest, record.scopes, NOW, revoked_at=NOW
        )
        return True


class Timer:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys() -> FakeKeys:
    return FakeKeys()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def access(keys: FakeKeys, timer: Timer) -> Access:
    return Access(keys, timer=timer)


def prefix_of(key: str) -> str:
    return key.split("_")[1]


def test_a_key_speaks_for_its_account(access: Access) -> None:
    key = access.issue(7, [Scope.TRADE])

    assert access.authenticate(key) == Identity(7, prefix_of(key), frozenset({Scope.TRADE}))


def test_the_key_itself_is_not_stored(access: Access, keys: FakeKeys) -> None:
    key = access.issue(7, [Scope.READ])

    secret = key.rpartition("_")[2]
    assert len(secret) == 64
    assert secret not in repr(keys.records)
    assert bytes.fromhex(secret) not in [record.digest for record in keys.records.values()]


@pytest.mark.parametrize("change", ["secret", "prefix", "case", "longer", "empty"])
def test_a_key_that_differs_anywhere_is_refused(access: Access, change: str) -> None:
    key = access.issue(7, [Scope.READ])
    other = access.issue(8, [Scope.READ])
    wrong = {
        "secret": key[:-1] + ("0" if key[-1] != "0" else "1"),
        "prefix": f"ax_{prefix_of(other)}_{key.rpartition('_')[2]}",
        "case": key.upper(),
        "longer": key + "0",
        "empty": "",
    }[change]

    with pytest.raises(AccessDenied):
        access.authenticate(wrong)
    assert access.remembered(wrong) is None


def test_a_key_is_looked_up_once_within_two_seconds(
    access: Access, keys: FakeKeys, timer: Timer
) -> None:
    key = access.issue(7, [Scope.READ])
    access.authenticate(key)

    timer.now += REMEMBERED_SECONDS - 0.01

    assert access.remembered(key) is not None
    assert keys.reads == 1


def test_a_revoked_key_dies_within_two_seconds(access: Access, timer: Timer) -> None:
    key = access.issue(7, [Scope.READ])
    access.authenticate(key)

    assert access.revoke(prefix_of(key))
    timer.now += REMEMBERED_SECONDS

    assert access.remembered(key) is None
    with pytest.raises(AccessDenied):
        access.authenticate(key)


def test_a_second_revocation_says_that_there_was_nothing_to_revoke(access: Access) -> None:
    key = access.issue(7, [Scope.READ])

    assert access.revoke(prefix_of(key))
    assert not access.revoke(prefix_of(key))
    assert not access.revoke("0" * 12)


def test_each_scope_includes_those_before_it() -> None:
    trader = Identity(1, "p", frozenset({Scope.TRADE}))

    assert trader.allows(Scope.READ)
    assert trader.allows(Scope.TRADE)
    assert not trader.allows(Scope.ADMIN)


def test_scopes_are_parsed_once_each_and_refused_when_unknown() -> None:
    assert parse_scopes(["trade", "read", "trade"]) == (Scope.READ, Scope.TRADE)
    with pytest.raises(ValueError, match="own"):
        parse_scopes(["own"])
