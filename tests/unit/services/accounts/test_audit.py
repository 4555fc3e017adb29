from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from angel_x.domain.records.audit import AuditEntry, AuditFilter, TimelineEvent
from angel_x.services.accounts.audit import Audit

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Account:
    id: int


class FakeAccounts:
    """One account, which is called asha."""

    def named(self, _name: str) -> Account:
        return Account(7)

    def names(self, ids: Collection[int]) -> Mapping[int, str]:
        return {7: "asha"} if 7 in ids else {}


class FakeRecord:
    """Entries in memory: every third one is of the account."""

    def __init__(self, count: int) -> None:
        self.stored = [
            AuditEntry(
                id=str(number),
                at=AT,
                actor="cli",
                action="limits.set",
                subject="user:7" if number % 3 == 0 else f"order:{number}",
                detail={"reason": "Lunch" if number == 1 else ""},
            )
            for number in range(count, 0, -1)
        ]

    def entries(self, _wanted: AuditFilter, before_id: int, limit: int) -> Sequence[AuditEntry]:
        return [entry for entry in self.stored if int(entry.id) < before_id][:limit]

    def timeline(self, _order_id: int) -> Sequence[TimelineEvent]:
        return []


def pages(count: int, text: str | None, limit: int) -> list[list[int]]:
    """Return the ids of all pages."""
    audit, found, after = Audit(FakeRecord(count), FakeAccounts()), [], None
    while True:
        page = audit.entries(AuditFilter(text=text), after=after, limit=limit)
        found.append([int(entry.id) for entry in page.entries])
        if page.next is None:
            return found
        after = page.next


def test_a_text_is_found_in_names_subjects_and_details_in_any_case() -> None:
    assert pages(7, "ASHA", 10) == [[6, 3]]
    assert pages(7, "order:4", 10) == [[4]]
    assert pages(7, "lunch", 10) == [[1]]
    assert pages(7, "nothing", 10) == [[]]


def test_a_full_page_goes_on_behind_its_last_entry() -> None:
    assert pages(12, "asha", 2) == [[12, 9], [6, 3], []]
    assert pages(5, None, 2) == [[5, 4], [3, 2], [1]]
    assert pages(4, None, 2) == [[4, 3], [2, 1]]


def test_a_page_looks_at_a_bounded_number_of_entries() -> None:
    assert pages(4_500, "lunch", 10) == [[], [], [1]]
