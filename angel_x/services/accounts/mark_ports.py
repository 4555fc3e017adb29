"""The ports of the marking of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from angel_x.domain.book.marked_account import Fleet, LastMarking, MarkedAccount


class MarkStore(Protocol):
    """Accounts to mark, and their marks."""

    def read(self) -> Fleet:
        """Return the whole fleet, in one statement."""

    def save(self, accounts: Sequence[MarkedAccount], at: datetime) -> set[int]:
        """Store marks, and write to the audit who has come short and who no longer is.

        Accounts that have changed since they were read are left out; return the ids of the others.
        """

    def note(self, user_id: int, action: str, detail: Mapping[str, str]) -> None:
        """Write an audit entry about an account."""


class MarkMemo(Protocol):
    """The last marking, as all workers share it.  A lost one means that marking is due."""

    def get(self) -> LastMarking | None:
        """Return the last marking."""

    def put(self, marking: LastMarking) -> None:
        """Store a marking."""
