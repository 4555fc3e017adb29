from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from angel_x.domain.records.access import Identity, Scope, parse_scopes
from angel_x.errors import AccessDenied, InvalidInput, KeyExpired
from angel_x.services.accounts.access import REMEMBERED_SECONDS, Access
from tests.builders.timers import Timer
from tests.fakes.keys import NOW, MemoryKeys


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def access(keys: MemoryKeys, timer: Timer) -> Access:
    return Access(keys, timer=timer)


def prefix_of(key: str) -> str:
    return key.split("_")[1]


def test_a_key_speaks_for_its_account(access: Access) -> None:
    key = access.issue(7, [Scope.TRADE])

    assert access.authenticate(key) == Identity(7, prefix_of(key), frozenset({Scope.TRADE}))


def test_the_key_itself_is_not_stored(access: Access, keys: MemoryKeys) -> None:
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
    access: Access, keys: MemoryKeys, timer: Timer
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


def test_a_key_is_refused_at_once_in_the_process_that_revokes_it(access: Access) -> None:
    key, other = access.issue(7, [Scope.READ]), access.issue(7, [Scope.READ])
    access.authenticate(key)
    access.authenticate(other)

    access.revoke(prefix_of(key))

    assert access.remembered(key) is None
    assert access.remembered(other) is not None


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
    access: Access, keys: MemoryKeys, timer: Timer
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
    access: Access, keys: MemoryKeys
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
    access: Access, keys: MemoryKeys, wrong: str
) -> None:
    key = access.issue(7, [Scope.READ])

    for shown in (key + wrong, wrong + key, key[:-1] + wrong):
        with pytest.raises(AccessDenied):
            access.authenticate(shown)
    assert keys.reads == 0


@pytest.mark.parametrize("place", [0, 1, 15, 30, 31])
def test_a_digest_that_differs_in_one_byte_is_that_of_another_key(
    access: Access, keys: MemoryKeys, place: int
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


def test_an_expired_key_is_told_so_and_only_to_its_holder(access: Access, keys: MemoryKeys) -> None:
    key = access.issue(7, [Scope.READ], timedelta(days=1))
    record = keys.records[prefix_of(key)]
    keys.records[record.prefix] = replace(record, has_expired=True)
    wrong = f"{key[:-1]}{'1' if key[-1] == '0' else '0'}"

    with pytest.raises(KeyExpired, match=r"expired at 2026-08-20T00:00:00\+00:00"):
        access.authenticate(key)
    with pytest.raises(AccessDenied, match="not valid") as refused:
        access.authenticate(wrong)
    assert not isinstance(refused.value, KeyExpired)
    assert access.remembered(key) is None


def test_a_revoked_key_is_not_told_that_it_has_expired(access: Access, keys: MemoryKeys) -> None:
    key = access.issue(7, [Scope.READ], timedelta(days=1))
    access.revoke(prefix_of(key))

    with pytest.raises(AccessDenied, match="not valid"):
        access.authenticate(key)


def test_a_key_is_replaced_by_one_with_its_account_and_scopes(access: Access) -> None:
    old = access.issue(7, [Scope.TRADE])

    new, left = access.rotate(prefix_of(old), overlap=timedelta(hours=2))

    assert new != old
    assert access.authenticate(new) == Identity(7, prefix_of(new), frozenset({Scope.TRADE}))
    assert access.authenticate(old).user_id == 7
    assert (left.prefix, left.expires_at) == (prefix_of(old), NOW + timedelta(hours=2))


def test_a_key_that_expires_is_not_replaced_by_one_that_does_not(
    access: Access, keys: MemoryKeys
) -> None:
    old = access.issue(7, [Scope.TRADE], timedelta(days=90))

    with pytest.raises(InvalidInput, match="2026-11-17"):
        access.rotate(prefix_of(old), overlap=timedelta(hours=2))
    assert len(keys.records) == 1

    new, _ = access.rotate(prefix_of(old), overlap=timedelta(hours=2), lifetime=timedelta(days=30))
    assert keys.records[prefix_of(new)].expires_at == NOW + timedelta(days=30)


@pytest.mark.parametrize("prefix", ["", "0" * 12, "revoked"])
def test_only_a_valid_key_is_replaced(access: Access, keys: MemoryKeys, prefix: str) -> None:
    revoked = prefix_of(access.issue(7, [Scope.TRADE]))
    access.revoke(revoked)

    with pytest.raises(InvalidInput, match="valid key"):
        access.rotate(prefix.replace("revoked", revoked), overlap=timedelta(hours=1))
    assert set(keys.records) == {revoked}


def test_a_key_of_an_administrator_does_not_trade() -> None:
    admin = Identity(1, "p", frozenset({Scope.ADMIN}))

    assert admin.allows(Scope.READ)
    assert admin.allows(Scope.ADMIN)
    assert not admin.allows(Scope.TRADE)


def test_scopes_are_parsed_once_each_and_refused_when_unknown() -> None:
    assert parse_scopes(["trade", "read", "trade"]) == (Scope.READ, Scope.TRADE)
    with pytest.raises(ValueError, match="own"):
        parse_scopes(["own"])


def test_keys_are_renewed_by_one_read_unless_they_ended(
    access: Access, keys: MemoryKeys, timer: Timer
) -> None:
    issued = [access.issue(7, [Scope.READ]) for _ in range(4)]
    valid, ended, expired, _ = issued
    for key in issued:
        access.authenticate(key)
    keys.records[prefix_of(expired)] = replace(keys.records[prefix_of(expired)], has_expired=True)
    timer.now += REMEMBERED_SECONDS
    keys.revoke_key(prefix_of(ended))
    before = keys.reads

    access.renew([prefix_of(key) for key in (valid, ended, expired)])

    assert keys.reads == before + 1
    assert [access.remembered(key) is not None for key in issued] == [True, False, False, False]


def test_a_key_revoked_during_its_renewal_is_not_remembered(
    access: Access, keys: MemoryKeys
) -> None:
    key = access.issue(7, [Scope.READ])
    valid = keys.records[prefix_of(key)]
    access.revoke(prefix_of(key))
    keys.records[prefix_of(key)] = valid

    access.renew([prefix_of(key)])

    assert access.remembered(key) is None
