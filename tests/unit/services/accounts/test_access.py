from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from angel_x.domain.records.access import Identity, KeyRecord, Scope, parse_scopes
from angel_x.errors import AccessDenied
from angel_x.services.accounts.access import REMEMBERED_SECONDS, Access

NOW = datetime(2026, 8, 19, tzinfo=UTC)


class FakeKeys:
    def __init__(self) -> None:
        self.records: dict[str, KeyRecord] = {}
        self.reads = 0
        self.on_read: Callable[[], None] = lambda: None

    def add_key(self, user_id: int, prefix: str, digest: bytes, scopes: Iterable[Scope]) -> None:
        self.records[prefix] = KeyRecord(prefix, user_id, digest, tuple(scopes), NOW)

    def key(self, prefix: str) -> KeyRecord | None:
        self.reads += 1
        self.on_read()
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


def test_a_key_is_forgotten_two_seconds_after_the_look_and_not_after_the_last_use(
    access: Access, timer: Timer
) -> None:
    key = access.issue(7, [Scope.READ])
    access.authenticate(key)

    for _ in range(4):
        timer.now += REMEMBERED_SECONDS / 4
        access.remembered(key)

    assert REMEMBERED_SECONDS == 2.0
    assert access.remembered(key) is None


def test_the_time_that_a_look_takes_counts_towards_the_two_seconds(
    access: Access, keys: FakeKeys, timer: Timer
) -> None:
    key = access.issue(7, [Scope.READ])
    keys.on_read = lambda: setattr(timer, "now", timer.now + REMEMBERED_SECONDS)

    access.authenticate(key)

    # It may have been revoked while the answer was on its way.
    assert access.remembered(key) is None


def test_a_revoked_key_is_refused_at_the_first_look_and_never_remembered(access: Access) -> None:
    key = access.issue(7, [Scope.READ])
    access.revoke(prefix_of(key))

    with pytest.raises(AccessDenied):
        access.authenticate(key)
    assert access.remembered(key) is None


def test_revoking_one_key_leaves_the_others_of_its_account(access: Access) -> None:
    gone, kept = access.issue(7, [Scope.READ]), access.issue(7, [Scope.TRADE])

    access.revoke(prefix_of(gone))

    assert access.authenticate(kept).scopes == {Scope.TRADE}
    with pytest.raises(AccessDenied):
        access.authenticate(gone)


def test_remembered_keys_are_not_taken_for_each_other(access: Access) -> None:
    mine, yours = access.issue(7, [Scope.READ]), access.issue(8, [Scope.ADMIN])
    access.authenticate(mine)
    access.authenticate(yours)
    mixed = f"ax_{prefix_of(mine)}_{yours.rpartition('_')[2]}"

    assert access.remembered(mine) == Identity(7, prefix_of(mine), frozenset({Scope.READ}))
    assert access.remembered(yours) == Identity(8, prefix_of(yours), frozenset({Scope.ADMIN}))
    assert access.remembered(mixed) is None
    with pytest.raises(AccessDenied):
        access.authenticate(mixed)


def test_a_key_that_nobody_has_is_refused_like_one_with_a_wrong_secret(
    access: Access, keys: FakeKeys
) -> None:
    key = access.issue(7, [Scope.ADMIN])
    refused = []

    # Zeros stand in for the digest of a key that is not stored: nothing may be equal to them.
    for wrong in (f"ax_{'0' * 12}_{'0' * 64}", f"{key[:-1]}{'1' if key[-1] == '0' else '0'}"):
        with pytest.raises(AccessDenied) as error:
            access.authenticate(wrong)
        refused.append(str(error.value))

    assert len(set(refused)) == 1
    assert keys.reads == len(refused)


@pytest.mark.parametrize("wrong", ["\n", " ", "\x00", "٣"])
def test_a_key_with_anything_around_it_is_not_even_looked_up(
    access: Access, keys: FakeKeys, wrong: str
) -> None:
    key = access.issue(7, [Scope.READ])

    for shown in (key + wrong, wrong + key, key[:-1] + wrong):
        with pytest.raises(AccessDenied):
            access.authenticate(shown)
    assert keys.reads == 0


@pytest.mark.parametrize("place", [0, 1, 15, 30, 31])
def test_a_digest_that_differs_in_one_byte_is_that_of_another_key(
    access: Access, keys: FakeKeys, place: int
) -> None:
    key = access.issue(7, [Scope.READ])
    record = keys.records[prefix_of(key)]
    other = bytearray(record.digest)
    other[place] ^= 1
    keys.records[record.prefix] = replace(record, digest=bytes(other))

    with pytest.raises(AccessDenied):
        access.authenticate(key)


def test_the_secret_of_a_key_is_drawn_by_itself(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(("a1" * 6, "b2" * 32))
    sizes: list[int] = []

    def draw(size: int) -> str:
        sizes.append(size)
        return next(drawn)

    monkeypatch.setattr("secrets.token_hex", draw)

    assert access.issue(7, [Scope.READ]) == f"ax_{'a1' * 6}_{'b2' * 32}"
    assert sizes == [6, 32]


def test_keys_are_forgotten_when_there_are_too_many(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angel_x.services.accounts.access._REMEMBERED_KEYS", 2)
    issued = [access.issue(user_id, [Scope.READ]) for user_id in (1, 2, 3)]
    for key in issued:
        access.authenticate(key)

    assert [access.remembered(key) is not None for key in issued] == [False, False, True]


def test_the_keys_of_an_account_are_its_own(access: Access) -> None:
    access.issue(7, [Scope.READ])
    access.issue(8, [Scope.READ])

    assert [record.user_id for record in access.keys_of(7)] == [7]


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
