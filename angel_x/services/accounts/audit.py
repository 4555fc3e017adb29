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
_MOST_LOOKED = 2_000


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

        With a text it looks at 2,000 entries at most, so it may be short and still have a next one.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
            UnknownAccount: The subject is an account that does not exist.
        """
        before_id = _NEWEST if after is None else cursor.decode(after)
        most = limit if wanted.text is None else _MOST_LOOKED
        # One more than the page shows whether there is another one.
        found = self._record.entries(self._by_id(wanted), before_id, most + 1)
        looked = self._by_name(found[:most])
        page = tuple(entry for entry in looked if _contains(entry, wanted.text))[:limit]
        # A full page ends at its last entry, any other at the last one that was looked at.
        last = page if len(page) == limit else looked
        more = len(found) > most or last[-1:] != looked[-1:]
        return AuditPage(entries=page, next=cursor.encode(int(last[-1].id)) if more else None)

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


def _contains(entry: AuditEntry, text: str | None) -> bool:
    """Return whether actor, action, subject or detail has a text, in any case."""
    if text is None:
        return True
    words = (entry.actor, entry.action, entry.subject, *map(str, entry.detail.values()))
    return any(text.casefold() in word.casefold() for word in words)


def _account_id(entry: AuditEntry) -> int | None:
    kind, _, ident = entry.subject.partition(":")
    return int(ident) if kind == _ACCOUNT else None
