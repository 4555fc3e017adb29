from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.users import PostgresUsers
from angel_x.domain.records.access import Scope
from angel_x.errors import AccessDenied, InvalidInput, UnknownAccount
from angel_x.services.accounts.access import Access
from angel_x.services.accounts.accounts import Accounts


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
