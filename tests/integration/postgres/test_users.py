from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.users import PostgresUsers
from angel_x.domain.records.access import Scope
from angel_x.errors import AccessDenied, InvalidInput, KeyExpired, UnknownAccount
from angel_x.services.accounts.access import Access
from angel_x.services.accounts.accounts import Accounts

MINUTE = timedelta(minutes=1)


@pytest.fixture
def users(engine: Engine) -> PostgresUsers:
    return PostgresUsers(engine)


@pytest.fixture
def accounts(users: PostgresUsers) -> Accounts:
    return Accounts(users)


def ledger(engine: Engine) -> dict[str, Decimal]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT account, amount FROM ledger_entries"))
        return {row.account: row.amount for row in rows}


def test_a_deposit_is_two_entries_that_sum_to_zero(accounts: Accounts, engine: Engine) -> None:
    account = accounts.open("desk", Decimal("1500.555"))

    assert account.cash == Decimal("1500.56")
    assert ledger(engine) == {"cash": Decimal("1500.56"), "deposit": Decimal("-1500.56")}


def test_an_account_without_cash_has_no_entries(accounts: Accounts, engine: Engine) -> None:
    accounts.open("desk")

    assert ledger(engine) == {}


def test_a_name_that_is_taken_deposits_nothing(accounts: Accounts, engine: Engine) -> None:
    accounts.open("desk", Decimal(5))

    with pytest.raises(InvalidInput, match="desk"):
        accounts.open("desk", Decimal(7))

    assert sum(ledger(engine).values()) == 0
    assert accounts.named("desk").cash == Decimal("5.00")


@pytest.mark.parametrize("cash", ["-1", "NaN", "Infinity", "1e13"])
def test_cash_that_cannot_be_is_refused(accounts: Accounts, engine: Engine, cash: str) -> None:
    with pytest.raises(InvalidInput, match="cash"):
        accounts.open("desk", Decimal(cash))

    assert list(accounts.all()) == []


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "a\x00b", "naïve"])
def test_a_name_that_cannot_be_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        accounts.open(name)
    with pytest.raises(UnknownAccount):
        accounts.named(name)


def test_accounts_are_listed_oldest_first(accounts: Accounts) -> None:
    for name in ("b", "a", "c"):
        accounts.open(name)

    assert [account.name for account in accounts.all()] == ["b", "a", "c"]


def test_a_key_lives_in_the_database_until_it_is_revoked(
    users: PostgresUsers, accounts: Accounts
) -> None:
    user_id = accounts.open("desk").id
    key = Access(users).issue(user_id, [Scope.READ, Scope.TRADE])

    identity = Access(users).authenticate(key)
    assert identity.user_id == user_id
    assert identity.scopes == {Scope.READ, Scope.TRADE}
    (record,) = Access(users).keys_of(user_id)
    assert record.revoked_at is None

    assert Access(users).revoke(record.prefix)
    with pytest.raises(AccessDenied):
        Access(users).authenticate(key)
    assert not Access(users).revoke(record.prefix)


def let_expire(engine: Engine, prefix: str) -> None:
    statement = text("UPDATE api_keys SET expires_at = clock_timestamp() WHERE prefix = :prefix")
    with engine.begin() as connection:
        connection.execute(statement, {"prefix": prefix})


def test_a_key_is_valid_until_it_expires(
    users: PostgresUsers, accounts: Accounts, engine: Engine
) -> None:
    user_id = accounts.open("desk").id
    key = Access(users).issue(user_id, [Scope.READ], timedelta(days=30))
    assert Access(users).authenticate(key).user_id == user_id
    (record,) = Access(users).keys_of(user_id)
    assert record.expires_at is not None
    assert timedelta(0) <= record.expires_at - record.created_at - timedelta(days=30) < MINUTE
    assert not record.has_expired

    let_expire(engine, record.prefix)

    with pytest.raises(KeyExpired):
        Access(users).authenticate(key)
    assert [found.has_expired for found in Access(users).keys_of(user_id)] == [True]


def test_both_keys_are_valid_while_one_replaces_the_other(
    users: PostgresUsers, accounts: Accounts, engine: Engine
) -> None:
    user_id = accounts.open("desk").id
    access = Access(users)
    old = access.issue(user_id, [Scope.READ, Scope.TRADE])
    prefix = access.authenticate(old).key_prefix

    new, left = access.rotate(prefix, overlap=timedelta(hours=2), lifetime=timedelta(days=9))

    assert Access(users).authenticate(new).scopes == Access(users).authenticate(old).scopes
    assert left.prefix == prefix
    # A second time ends the old key no later than the first.
    _, again = access.rotate(prefix, overlap=timedelta(hours=9), lifetime=timedelta(days=9))
    assert again.expires_at == left.expires_at

    let_expire(engine, prefix)

    with pytest.raises(KeyExpired):
        Access(users).authenticate(old)
    assert Access(users).authenticate(new).user_id == user_id
    with pytest.raises(InvalidInput, match=prefix):
        access.rotate(prefix, overlap=timedelta(hours=2), lifetime=timedelta(days=9))
    assert len(access.keys_of(user_id)) == 3


def test_keys_are_read_by_many_prefixes_at_once(users: PostgresUsers) -> None:
    access = Access(users)
    account = users.add("renewed", Decimal(0))
    assert account is not None
    prefixes = [access.issue(account.id, [Scope.READ]).split("_")[1] for _ in range(3)]

    found = users.keys([*prefixes[:2], "ffffffffffff"])

    assert sorted(record.prefix for record in found) == sorted(prefixes[:2])


def test_the_keys_of_an_account_are_its_own_oldest_first(
    users: PostgresUsers, accounts: Accounts, engine: Engine
) -> None:
    desk, other = accounts.open("desk").id, accounts.open("other").id
    access = Access(users)
    keys = [access.issue(user_id, [Scope.READ]) for user_id in (desk, other, desk)]

    prefixes = [access.authenticate(key).key_prefix for key in keys]
    # The row of the first is written anew, behind the others.
    with engine.begin() as connection:
        renamed = text("UPDATE api_keys SET prefix = 'ffffffffffff' WHERE prefix = :prefix")
        connection.execute(renamed, {"prefix": prefixes[0]})
    assert [record.prefix for record in access.keys_of(desk)] == ["ffffffffffff", prefixes[2]]
    assert [record.prefix for record in access.keys_of(other)] == [prefixes[1]]
