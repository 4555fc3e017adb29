"""The audit, and the timeline of any order, for operators."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from angel_x.domain.records import cursor
from angel_x.domain.records.audit import AuditEntry, AuditFilter, AuditPage, TimelineEvent
from angel_x.errors import UnknownOrder

#: The kind of subjects that are accounts.
_ACCOUNT = "user"
#: Where the newest page starts: above every id.
_NEWEST = 2**63 - 1


class Record(Protocol):
    """The store of audit entries and order events."""

    def entries(self, wanted: AuditFilter, before_id: int, limit: int) -> Sequence[AuditEntry]: ...
    def timeline(self, order_id: int) -> Sequence[TimelineEvent]: ...


class Named(Protocol):
    """An account."""

    @property
    def id(self) -> int: ...


class AccountNames(Protocol):
    """The names of accounts."""

    def named(self, name: str) -> Named:
        """Return the account of a name, or raise :class:`UnknownAccount`."""

    def names(self, ids: Collection[int]) -> Mapping[int, str]:
        """Return the names of accounts by id."""


class Audit:
    """Reads the audit, which is append-only.

    Subjects that are accounts are stored by id, and asked for and shown by name.
    """

    def __init__(self, record: Record, accounts: AccountNames) -> None:
        self._record = record
        self._accounts = accounts

    def entries(self, wanted: AuditFilter, *, after: str | None, limit: int) -> AuditPage:
        """Return a page of entries, the newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
            UnknownAccount: The subject is an account that does not exist.
        """
        before_id = _NEWEST if after is None else cursor.decode(after)
        # One more than the limit shows whether there is another page.
        found = self._record.entries(self._by_id(wanted), before_id, limit + 1)
        page = self._by_name(found[:limit])
        more = len(found) > limit
        return AuditPage(entries=page, next=cursor.encode(int(page[-1].id)) if more else None)

    def timeline(self, order_id: int) -> tuple[TimelineEvent, ...]:
        """Return every status change of an order of any account, the oldest first.

        Raises:
            UnknownOrder: No order has the id.
        """
        events = tuple(self._record.timeline(order_id))
        if not events:
            raise UnknownOrder(order_id)
        return events

    def _by_id(self, wanted: AuditFilter) -> AuditFilter:
        kind, _, name = (wanted.subject or "").partition(":")
        if kind != _ACCOUNT:
            return wanted
        return replace(wanted, subject=f"{_ACCOUNT}:{self._accounts.named(name).id}")

    def _by_name(self, entries: Sequence[AuditEntry]) -> tuple[AuditEntry, ...]:
        ids = {found for entry in entries if (found := _account_id(entry)) is not None}
        names = self._accounts.names(ids) if ids else {}
        return tuple(_named(entry, names) for entry in entries)


def _named(entry: AuditEntry, names: Mapping[int, str]) -> AuditEntry:
    user_id = _account_id(entry)
    if user_id is None or user_id not in names:
        return entry
    return replace(entry, subject=f"{_ACCOUNT}:{names[user_id]}", user_id=user_id)


def _account_id(entry: AuditEntry) -> int | None:
    kind, _, ident = entry.subject.partition(":")
    return int(ident) if kind == _ACCOUNT else None
