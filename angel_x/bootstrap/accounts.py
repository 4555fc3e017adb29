"""Accounts and what they may read."""

from __future__ import annotations

from functools import cached_property

from angel_x.adapters.postgres.reading import PostgresStatements
from angel_x.adapters.postgres.users import PostgresUsers
from angel_x.bootstrap.market import MarketParts
from angel_x.services.accounts.access import Access
from angel_x.services.accounts.accounts import Accounts
from angel_x.services.accounts.reading import Reading


class AccountParts(MarketParts):
    """Accounts, their keys, and what they may read."""

    @cached_property
    def _users(self) -> PostgresUsers:
        return PostgresUsers(self.engine)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._users)

    @cached_property
    def access(self) -> Access:
        return Access(self._users)

    @cached_property
    def _statements(self) -> PostgresStatements:
        return PostgresStatements(self.engine)

    @cached_property
    def reading(self) -> Reading:
        return Reading(self._statements)
