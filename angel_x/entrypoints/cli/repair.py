"""Parked orders, the timeline of an order, and the audit."""

from __future__ import annotations

import json
from datetime import datetime

import click

from angel_x.domain.records.audit import AuditFilter, ParkedOrder, TimelineEvent
from angel_x.domain.values.moment import in_utc
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import grouped, ist
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import InvalidInput
from angel_x.services.accounts.reading import parse_order_id


@click.command()
@click.option("--all", "replayed", is_flag=True, help="Include orders that were replayed.")
@click.option("--limit", default=50, show_default=True, type=Whole(1, 1000))
@as_json
def parked(limit: int, *, replayed: bool, as_json: bool) -> None:
    """Show the parked orders of all accounts, the newest first."""
    with application() as app:
        found = app.trading.replays.parked(limit=limit, replayed=replayed)
    if as_json:
        print_json({"orders": found})
        return
    columns = (
        ">order", "parked (IST)", "account", "contract", "side", ">units", "replayed as", "why",
    )  # fmt: skip
    show(table("Parked orders", columns, map(_parked_row, found)))
    if found:
        show("The whole traceback is in `angel-x orders ID --events`.")


def _parked_row(order: ParkedOrder) -> tuple[str, ...]:
    return (
        order.order_id,
        ist(order.parked_at),
        order.account,
        order.symbol,
        order.side,
        grouped(order.quantity),
        order.replayed_as or "",
        # The last line of a traceback is the error itself.
        (order.detail or "").strip().rpartition("\n")[2],
    )


@click.command()
@click.argument("order_id")
@as_json
def replay(order_id: str, *, as_json: bool) -> None:
    """Send the content of a parked order again, as a new order.

    It is refused while an earlier replay is open, and for good once one has traded.
    """
    with application() as app:
        replayed = app.trading.replays.replay(parse_order_id(order_id), actor())
    if as_json:
        print_json(replayed)
    else:
        show(
            f"Order {replayed.replay_of} is sent again as order {replayed.order_id}, "
            f"{replayed.client_order_id}."
        )


def show_timeline(order_id: str, *, as_json: bool) -> None:
    """Print every status change of an order of any account."""
    with application() as app:
        events = app.operations.audit.timeline(parse_order_id(order_id))
    if as_json:
        print_json({"order_id": order_id, "events": events})
        return
    columns = ("at (IST)", ">after s", "status", "by", ">attempt", "reason", "detail")
    rows = (_event_row(event, events[0].at) for event in events)
    show(table(f"Order {order_id}", columns, rows))


def _event_row(event: TimelineEvent, began: datetime) -> tuple[str, ...]:
    return (
        ist(event.at),
        f"{(event.at - began).total_seconds():.3f}",
        event.status,
        event.actor,
        str(event.attempt),
        event.reason or "",
        event.detail or "",
    )


@click.command()
@click.option("--subject", help="As in `order:17`, `user:3` or `system`.")
@click.option("--since", help="A day or a time, as in 2026-11-23T09:15+05:30; UTC without a zone.")
@click.option("--limit", default=50, show_default=True, type=Whole(1, 1000))
@click.option("--after", help="The cursor of the page before.")
@as_json
def audit(
    subject: str | None, since: str | None, limit: int, after: str | None, *, as_json: bool
) -> None:
    """Show the audit entries, the newest first."""
    wanted = AuditFilter(subject=subject, since=_moment(since) if since else None)
    with application() as app:
        page = app.operations.audit.entries(wanted, after=after, limit=limit)
    if as_json:
        print_json(page)
        return
    rows = (
        (e.id, ist(e.at), e.actor, e.action, e.subject, json.dumps(e.detail)) for e in page.entries
    )
    show(table("Audit", (">id", "at (IST)", "by", "action", "subject", "detail"), rows))
    if page.next:
        show(f"More with --after {page.next}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"since must be a day or a time, was {text}") from None
    return in_utc(moment)
