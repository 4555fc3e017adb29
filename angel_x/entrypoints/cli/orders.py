"""Handing in orders and looking at them."""

from __future__ import annotations

from pathlib import Path

import click

from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.order_record import OrderFilter, OrderHistory, OrderRecord
from angel_x.entrypoints.cli.cancel import cancel
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.order_file import read_orders
from angel_x.entrypoints.cli.repair import parked, replay, show_timeline
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import of_user
from angel_x.entrypoints.presentation.indian import grouped, ist, price
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import AngelXError, InvalidInput
from angel_x.services.accounts.reading import parse_order_id
from angel_x.services.intake.acceptance import Accepted, Submission
from angel_x.services.trading import amendment_form


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@of_user
@as_json
def submit(file: Path, user: str, *, as_json: bool) -> None:
    """Hand in the orders of FILE, JSON or CSV, or of standard input with ``-``.

    All of them are accepted or none is.  Orders without a client order id are named after the
    content of the file, so handing in the same file again trades nothing twice.
    """
    requests = read_orders(file)
    with application() as app:
        user_id = app.people.accounts.named(user).id
        (outcome,) = app.intake.submissions.submit([Submission(user_id, requests, actor="cli")])
    if isinstance(outcome, AngelXError):
        raise outcome
    if as_json:
        print_json({"orders": [_receipt(order) for order in outcome]})
        return
    columns = (">order", "client order id", "contract", "side", ">units", "status")
    rows = (
        (
            str(order.order_id),
            order.client_order_id,
            request.symbol,
            request.side,
            grouped(request.quantity),
            f"{order.status}{' (known already)' if order.replayed else ''}",
        )
        for order, request in zip(outcome, requests, strict=True)
    )
    show(table(f"Accepted for {user}", columns, rows))


def _receipt(order: Accepted) -> dict[str, object]:
    return {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "status": order.status,
        "replayed": order.replayed,
    }


class _ShowsByDefault(click.Group):
    """Takes an argument that is no subcommand for the order to show, or for a filter."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ShowsByDefault)
def orders() -> None:
    """List orders, show one, or change one.

    `angel-x orders` and `angel-x orders 17` are short for `angel-x orders show`.
    """


orders.add_command(cancel)
orders.add_command(parked)
orders.add_command(replay)


@orders.command("show")
@click.argument("order_id", required=False)
@click.option("--status", type=click.Choice([status.value for status in OrderStatus]))
@click.option("--symbol", help="Only orders in this contract.")
@click.option("--limit", default=50, show_default=True, type=Whole(1, 1000))
@click.option("--after", help="The cursor of the page before.")
@click.option("--events", is_flag=True, help="Every move of one order, whoever's it is.")
@for_user
@as_json
def show_orders(
    order_id: str | None,
    status: str | None,
    symbol: str | None,
    limit: int,
    after: str | None,
    user: str,
    *,
    events: bool,
    as_json: bool,
) -> None:
    """Show orders, the newest first, or one order with its events, fills and slices."""
    if events and order_id is None:
        raise InvalidInput("--events is of one order, so it needs an order id")
    if order_id is not None:
        if status or symbol or after:
            raise InvalidInput("an order id leaves nothing to filter")
        if events:
            show_timeline(order_id, as_json=as_json)
            return
        _show_one(order_id, user, as_json=as_json)
        return
    wanted = OrderFilter(status=OrderStatus(status) if status else None, symbol=symbol)
    with application() as app:
        page = app.people.reading.orders(
            app.people.accounts.named(user).id, wanted, after=after, limit=limit
        )
    if as_json:
        print_json(page)
        return
    show(table(f"Orders of {user}", _COLUMNS, (_row(order) for order in page.orders)))
    if page.next:
        show(f"More with --after {page.next}")


@orders.command("modify")
@click.argument("order_id")
@click.option("--price", help="The new limit price.")
@click.option("--trigger-price", help="The new trigger price of a stop order.")
@click.option("--quantity", type=Whole(), help="Units in all, with those that have traded.")
@of_user
@as_json
def modify(
    order_id: str,
    price: str | None,
    trigger_price: str | None,
    quantity: int | None,
    user: str,
    *,
    as_json: bool,
) -> None:
    """Change an open order; it trades at once where the market is there already."""
    given = {"price": price, "trigger_price": trigger_price, "quantity": quantity}
    change = amendment_form.read({f: value for f, value in given.items() if value is not None})
    with application() as app:
        user_id = app.people.accounts.named(user).id
        app.trading.amending.amend(user_id, parse_order_id(order_id), change, actor="cli")
    _show_one(order_id, user, as_json=as_json)


_COLUMNS = (
    ">order", "accepted (IST)", "contract", "side", ">units", ">filled", "type", ">limit",
    ">trigger", ">average", "status", "reason",
)  # fmt: skip


def _row(order: OrderRecord) -> tuple[str, ...]:
    return (
        order.order_id,
        ist(order.accepted_at),
        order.symbol,
        order.side,
        grouped(order.quantity),
        grouped(order.filled_quantity),
        order.order_type,
        price(order.price),
        price(order.trigger_price),
        price(order.average_price),
        order.status,
        order.reason or "",
    )


def _show_one(order_id: str, user: str, *, as_json: bool) -> None:
    with application() as app:
        order = app.people.reading.order(app.people.accounts.named(user).id, order_id)
    if as_json:
        print_json(order)
    else:
        show(table(f"Order {order.order_id}", _COLUMNS, [_row(order)]), *_life(order))


def _life(order: OrderHistory) -> list[object]:
    slices = [table("\nSlices", _COLUMNS, map(_row, order.slices))] if order.slices else []
    events = ((ist(e.at), e.status, e.actor, e.reason or "") for e in order.events)
    fills = ((ist(f.at), grouped(f.quantity), price(f.price), f.execution_id) for f in order.fills)
    return [
        *slices,
        table("\nEvents", ("at (IST)", "status", "by", "reason"), events),
        table("\nFills", ("at (IST)", ">units", ">price", "execution"), fills),
    ]
