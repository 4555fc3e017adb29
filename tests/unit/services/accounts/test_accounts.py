"""Opening accounts in memory."""

from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.errors import InvalidInput, UnknownAccount
from angel_x.services.accounts.accounts import Accounts
from tests.fakes.users import MemoryUsers


@pytest.mark.parametrize("cash", ["0", "1000000000000"])
def test_an_account_opens_with_nothing_or_with_the_most(cash: str) -> None:
    users = MemoryUsers()

    assert Accounts(users).open("desk", Decimal(cash)).cash == Decimal(cash)

    assert [account.name for account in users.all()] == ["desk"]


@pytest.mark.parametrize("cash", ["-0.01", "1000000000000.01", "NaN", "Infinity"])
def test_cash_outside_of_that_opens_nothing(cash: str) -> None:
    users = MemoryUsers()

    with pytest.raises(InvalidInput, match="opening cash must be between 0 and 1000000000000"):
        Accounts(users).open("desk", Decimal(cash))

    assert users.all() == []


def test_cash_is_rounded_to_the_paisa() -> None:
    assert Accounts(MemoryUsers()).open("desk", Decimal("1.005")).cash == Decimal("1.01")


def test_a_name_is_taken_once() -> None:
    accounts = Accounts(MemoryUsers())
    accounts.open("desk", Decimal(5))

    with pytest.raises(InvalidInput, match="exists already: desk"):
        accounts.open("desk", Decimal(7))

    assert [account.cash for account in accounts.all()] == [Decimal(5)]


@pytest.mark.parametrize("name", ["nobody", "two words", ""])
def test_an_account_that_is_not_there_is_unknown(name: str) -> None:
    accounts = Accounts(MemoryUsers())
    accounts.open("desk")

    with pytest.raises(UnknownAccount):
        accounts.named(name)
    assert accounts.named("desk").name == "desk"
