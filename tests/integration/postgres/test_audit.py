"""The timeline of an order and the audit of actions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from angel_x.adapters.postgres.audit import PostgresAudit
from angel_x.domain.records.audit import AuditFilter
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.stored import UNIVERSE, insert_order

if TYPE_CHECKING:
    from sqlalchemy import Engine

AT = datetime(2026, 8, 19, 4, 0, tzinfo=UTC)


def test_a_timeline_is_told_in_the_order_of_its_moves(engine: Engine) -> None:
    list_contracts(engine, UNIVERSE)
    (user,) = open_accounts(engine, 1)
    order, other = insert_order(engine, user, "a"), insert_order(engine, user, "b")
    # Stored the other way round, so that only the numbers of the moves tell.
    with engine.begin() as connection:
        for number, order_id, status in (
            (1003, order, "filled"),
            (1001, order, "received"),
            (1002, other, "denied"),
            (1000, other, "received"),
        ):
            connection.execute(
                text(
                    "INSERT INTO order_events (id, order_id, status, actor, at)"
                    " OVERRIDING SYSTEM VALUE VALUES (:id, :order_id, :status, 'test', :at)"
                ),
                {"id": number, "order_id": order_id, "status": status, "at": AT},
            )

    audit = PostgresAudit(engine)

    assert [event.status for event in audit.timeline(order)] == ["received", "filled"]
    assert [event.status for event in audit.timeline(other)] == ["received", "denied"]
    assert audit.timeline(other + 1) == []


def test_entries_come_newest_first_by_number_and_not_by_its_digits(engine: Engine) -> None:
    with engine.begin() as connection:
        for number, subject in ((100, "a"), (9, "a"), (99, "b"), (101, "a")):
            connection.execute(
                text(
                    "INSERT INTO audit_entries (id, at, actor, action, subject)"
                    " OVERRIDING SYSTEM VALUE VALUES (:id, :at, 'test', 'test.done', :subject)"
                ),
                {"id": number, "subject": subject, "at": AT + timedelta(seconds=number)},
            )
    audit = PostgresAudit(engine)

    def ids(before: int, limit: int, **wanted: object) -> list[str]:
        found = audit.entries(AuditFilter(**wanted), before, limit)  # type: ignore[arg-type]
        return [entry.id for entry in found]

    assert ids(10**9, 10) == ["101", "100", "99", "9"]
    assert ids(100, 10) == ["99", "9"]
    assert ids(10**9, 2) == ["101", "100"]
    assert ids(10**9, 10, subject="a") == ["101", "100", "9"]
    assert ids(10**9, 10, since=AT + timedelta(seconds=100)) == ["101", "100"]
