"""Canceling one order, or all open orders of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from angel_x.domain.book.control import CancellationRecord, OrderSelection
from angel_x.domain.orders.order import Product
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import account_name, accounts_with_open, targeted
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import InvalidInput
from angel_x.services.accounts.reading import parse_order_id

if TYPE_CHECKING:
    from angel_x.bootstrap import Application


@click.command("cancel")
@click.argument("order_id", required=False)
@click.option("--all", "everything", is_flag=True, help="All open orders.")
@click.option("--symbol", help="With --all: only orders in this contract.")
@click.option("--underlying", help="With --all: only contracts on this underlying.")
@click.option("--product", type=click.Choice([product.value for product in Product]))
@targeted
@as_json
def cancel(
    order_id: str | None,
    symbol: str | None,
    underlying: str | None,
    product: str | None,
    user: str | None,
    *,
    everything: bool,
    system: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Cancel the open quantity of one order of --user, or with --all of all of --user or --system."""
    if everything is (order_id is not None):
        raise InvalidInput("either an order id or --all says what to cancel")
    selection = OrderSelection(
        symbol=symbol, underlying=underlying, product=Product(product) if product else None
    )
    if order_id is not None and selection != OrderSelection():
        raise InvalidInput("an order id leaves nothing to select")
    if order_id is not None and system:
        raise InvalidInput("one order is canceled for its account, with --user NAME")
    name = account_name(user, "Cancel all open orders", system=system, yes=yes)
    with application() as app:
        ids = accounts_with_open(app, name).values()
        if order_id is not None:
            outcomes = [_one(app, user_id, order_id) for user_id in ids]
        else:
            outcomes = [
                outcome
                for user_id in ids
                for outcome in app.controls.cancel_all.run(user_id, selection, actor=actor())
            ]
    if as_json:
        print_json({"orders": outcomes})
        return
    rows = (
        (o.order_id, o.client_order_id, o.symbol, grouped(o.filled_quantity), o.status)
        for o in outcomes
    )
    columns = (">order", "client order id", "contract", ">filled", "status")
    show(table(f"Open orders of {user or 'all accounts'}", columns, rows))


def _one(app: Application, user_id: int, order_id: str) -> CancellationRecord:
    app.trading.cancellation.cancel(user_id, parse_order_id(order_id), actor=actor())
    order = app.people.reading.order(user_id, order_id)
    return CancellationRecord(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        status=order.status,
        filled_quantity=order.filled_quantity,
        canceled=True,
    )
