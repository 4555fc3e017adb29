"""Accounts by name: the users table and its fake are alike."""

from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.adapters.postgres.users import PostgresUsers
from angel_x.errors import InvalidInput, UnknownAccount
from angel_x.services.accounts.accounts import Accounts, Users
from tests.fakes.users import MemoryUsers


@pytest.fixture(params=["fake", "real"])
def users(request: pytest.FixtureRequest) -> Users:
    if request.param == "fake":
        return MemoryUsers()
    return PostgresUsers(request.getfixturevalue("engine"))


def test_an_account_is_found_by_its_own_name(users: Users) -> None:
    first, second = users.add("first", Decimal(5)), users.add("second", Decimal(0))

    assert (users.named("first"), users.named("second")) == (first, second)
    assert first is not None
    assert second is not None
    assert (first.name, first.cash, first.margin_used) == ("first", Decimal("5.00"), Decimal(0))
    assert first.id != second.id


@pytest.mark.parametrize("name", ["First", "fir", "first ", ""])
def test_no_other_name_finds_it(users: Users, name: str) -> None:
    users.add("first", Decimal(5))

    assert users.named(name) is None
    with pytest.raises(UnknownAccount):
        Accounts(users).named(name)


def test_a_name_is_given_once(users: Users) -> None:
    first = users.add("first", Decimal(5))

    assert users.add("first", Decimal(7)) is None
    assert users.named("first") == first
    with pytest.raises(InvalidInput):
        Accounts(users).open("first")


def test_accounts_are_listed_oldest_first(users: Users) -> None:
    opened = [users.add(name, Decimal(1)) for name in "bac"]

    assert users.all() == opened


def test_names_are_found_by_the_ids_of_their_accounts(users: Users) -> None:
    first, second = users.add("first", Decimal(1)), users.add("second", Decimal(1))
    assert first is not None
    assert second is not None

    assert users.names([second.id]) == {second.id: "second"}
    assert users.names({first.id, second.id}) == {first.id: "first", second.id: "second"}
    assert users.names([second.id + 1]) == {}
    assert users.names([]) == {}
