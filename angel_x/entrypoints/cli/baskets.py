"""Submitting a basket and showing its result."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from angel_x.domain.workflows.basket import BasketRecord, BasketRequest, OnRefusal
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.order_file import parse_orders, read_file
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import of_user
from angel_x.entrypoints.presentation.indian import grouped, price
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.services.workflows import basket_form

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

_POLL_SECONDS = 0.1


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--name", help="Id of the basket, by default a digest of its content.")
@click.option(
    "--on-refusal",
    type=click.Choice([choice.value for choice in OnRefusal]),
    default=OnRefusal.KEEP.value,
    show_default=True,
    help="Treatment of fills when a leg is refused.",
)
@click.option(
    "--wait",
    default=10.0,
    show_default=True,
    help="Seconds to wait for its result; 0 does not wait.",
)
@of_user
@as_json
def basket(
    file: Path, name: str | None, on_refusal: str, wait: float, user: str, *, as_json: bool
) -> None:
    """Submit the orders of FILE, JSON or CSV, as legs of one basket.

    They are checked together, purchases trade first, and sales follow once those are filled. The
    same file again shows the same basket and trades nothing twice.
    """
    request = _read(file, name, on_refusal)
    with application() as app:
        user_id = app.people.accounts.named(user).id
        record, _ = app.workflows.baskets.submit(user_id, request, "cli")
        record = _ended(app, user_id, record, wait)
    if as_json:
        print_json(record)
    else:
        _show(record)
    if record.status is WorkflowStatus.FAILED:
        raise click.exceptions.Exit(1)


def _read(file: Path, name: str | None, on_refusal: str) -> BasketRequest:
    content = read_file(file)
    name = name or f"file-{sha256(content).hexdigest()[:24]}"
    return basket_form.make(name, parse_orders(content), on_refusal)


def _ended(app: Application, user_id: int, record: BasketRecord, seconds: float) -> BasketRecord:
    """Return the basket once it has ended, or its state after ``seconds``."""
    deadline = time.monotonic() + seconds
    while record.status is WorkflowStatus.RUNNING and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        record = app.workflows.baskets.read(user_id, record.basket_id)
    return record


def _show(record: BasketRecord) -> None:
    columns = (
        ">order", "contract", "side", ">units", ">filled", ">average", "status", "reason",
    )  # fmt: skip
    rows = (
        (
            order.order_id,
            order.symbol,
            order.side,
            grouped(order.quantity),
            grouped(order.filled_quantity),
            price(order.average_price),
            order.status,
            order.reason or "",
        )
        for order in (*record.orders, *record.exits)
    )
    ended = "still running" if record.result is None else record.result.value
    show(table(f"Basket {record.basket_id}: {ended}", columns, rows), *record.refusals)
