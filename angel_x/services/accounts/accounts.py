"""Opening and finding accounts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import structlog

from angel_x.domain.records.statement import AccountSummary
from angel_x.domain.values.money import ZERO, to_paisa
from angel_x.errors import InvalidInput, UnknownAccount

log = structlog.get_logger()

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_MOST_CASH = Decimal(10) ** 12


class Users(Protocol):
    """The store of accounts."""

    def add(self, name: str, cash: Decimal) -> AccountSummary | None:
        """Store an account with its opening cash in one transaction; None if the name is taken."""

    def named(self, name: str) -> AccountSummary | None: ...
    def all(self) -> list[AccountSummary]: ...

    def names(self, ids: Collection[int]) -> Mapping[int, str]:
        """Return the names of accounts by id; unknown ids are left out."""


class Accounts:
    """The accounts of this system."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def open(self, name: str, cash: Decimal = ZERO) -> AccountSummary:
        """Open an account with a deposit of ``cash`` rupees.  A second call is an error.

        Raises:
            InvalidInput: The name is malformed or taken, or the amount is negative or more than a trillion rupees.
        """
        if _NAME.fullmatch(name) is None:
            raise InvalidInput(
                f"an account's name must be 1 to 64 letters, digits or any of _.@-, was {name!r}"
            )
        if not cash.is_finite() or not ZERO <= cash <= _MOST_CASH:
            raise InvalidInput(f"opening cash must be between 0 and {_MOST_CASH}, was {cash}")
        account = self._users.add(name, to_paisa(cash))
        if account is None:
            raise InvalidInput(f"an account of this name exists already: {name}")
        log.info("account.opened", user_id=account.id)
        return account

    def named(self, name: str) -> AccountSummary:
        """Return the account of a name.

        Raises:
            UnknownAccount: No account has this name.
        """
        account = self._users.named(name) if _NAME.fullmatch(name) else None
        if account is None:
            raise UnknownAccount(f"no account has this name: {name}", name=name)
        return account

    def all(self) -> Sequence[AccountSummary]:
        """Return every account, oldest first."""
        return self._users.all()

    def names(self, ids: Collection[int]) -> Mapping[int, str]:
        """Return the names of accounts by their ids; an unknown id has none."""
        return self._users.names(ids)
