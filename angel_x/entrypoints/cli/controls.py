"""The kill switch, and square-off of an account."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import Product
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import grouped, ist, price
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import InvalidInput, StillOpen
from angel_x.services.controls.control_forms import SquareOffForm, read

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.workflows.square_off import SquareOffRecord

_POLL_SECONDS = 0.1

_of_user = click.option("--user", help="Only this account; by default the whole system.")
_of_underlying = click.option("--underlying", help="Only contracts on this underlying.")
_because = click.option("--reason", help="For the audit, at most 200 characters.")


@click.group("kill-switch")
def kill_switch() -> None:
    """Halt or resume trading.

    The state holds for every later decision, and open orders that it does not allow are canceled.
    """


@kill_switch.command()
@_of_user
@_of_underlying
@click.option("--reducing", is_flag=True, help="Allow orders that close a position.")
@_because
@as_json
def on(
    user: str | None, underlying: str | None, reason: str | None, *, reducing: bool, as_json: bool
) -> None:
    """Halt trading."""
    state = TradingState.REDUCING if reducing else TradingState.HALTED
    _turn(state, user, underlying, reason, as_json=as_json)


@kill_switch.command()
@_of_user
@_of_underlying
@_because
@as_json
def off(user: str | None, underlying: str | None, reason: str | None, *, as_json: bool) -> None:
    """Resume trading."""
    _turn(TradingState.ACTIVE, user, underlying, reason, as_json=as_json)


@kill_switch.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show the trading states with actor and reason."""
    with application() as app:
        controls = app.controls.trading_controls.all()
    if as_json:
        print_json({"controls": controls})
        return
    rows = (
        (c.scope, c.name, c.state, c.actor, ist(c.changed_at), c.reason or "") for c in controls
    )
    show(table("Trading states", ("scope", "name", "state", "by", "at (IST)", "reason"), rows))


@click.command("square-off")
@for_user
@click.option("--symbol", help="Only this contract.")
@_of_underlying
@click.option("--product", type=click.Choice([product.value for product in Product]))
@click.option("--key", help="Id of the square-off; a second call with it starts no other.")
@click.option(
    "--wait",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds to wait for its end.",
)
@as_json
def square_off(
    user: str,
    symbol: str | None,
    underlying: str | None,
    product: str | None,
    key: str | None,
    wait: float,
    *,
    as_json: bool,
) -> None:
    """Cancel open orders and close positions, short positions first.

    The exit code is 1 if the account is not flat; the square-off continues in the background.
    """
    given = {"symbol": symbol, "underlying": underlying, "product": product, "key": key}
    form = read({name: value for name, value in given.items() if value is not None}, SquareOffForm)
    with application() as app:
        account = app.people.accounts.named(user)
        workflow, _ = app.workflows.square_off.start(
            account.id, form.selection, key=form.key or uuid4().hex, actor=actor()
        )
        record = _awaited(app, account.id, workflow.id, wait)
    if as_json:
        print_json(record)
    else:
        _show(record, user)
    if not record.flat:
        raise StillOpen(record.id, record.status)


def _turn(
    state: TradingState,
    user: str | None,
    underlying: str | None,
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    if user is not None and underlying is not None:
        raise InvalidInput("a trading state is of an account or of an underlying, was both")
    with application() as app:
        scope, name = ControlScope.SYSTEM, ""
        if user is not None:
            scope, name = ControlScope.USER, str(app.people.accounts.named(user).id)
        elif underlying is not None:
            scope, name = ControlScope.UNDERLYING, underlying
        receipt = app.controls.trading_controls.turn(
            scope, name, state, actor=actor(), reason=reason
        )
    if as_json:
        print_json(receipt)
        return
    subject = user or underlying or "the system"
    show(f"Trading of {subject} is {receipt.state}.")
    if not receipt.settled:
        show(
            "A batch that began before is still open; repeat the command to be sure that it has ended."
        )


def _awaited(app: Application, user_id: int, workflow_id: int, seconds: float) -> SquareOffRecord:
    deadline = monotonic() + seconds
    while True:
        record = app.workflows.square_off.read(user_id, workflow_id)
        if record.status is not WorkflowStatus.RUNNING or monotonic() >= deadline:
            return record
        sleep(_POLL_SECONDS)


def _show(record: SquareOffRecord, user: str) -> None:
    legs = (
        (
            leg.symbol,
            leg.product,
            leg.side,
            grouped(leg.filled_quantity),
            price(leg.average_price),
            str(leg.orders),
            leg.status,
            leg.reason or "",
        )
        for leg in record.legs
    )
    columns = (
        "contract", "product", "side", ">traded", ">average", ">orders", "last", "reason",
    )  # fmt: skip
    show(table(f"Square-off {record.id} of {user}: {record.status}", columns, legs))
    left = ((r.symbol, r.product, grouped(r.quantity), r.reason or "") for r in record.left)
    if record.left:
        show(table("\nStill held", ("contract", "product", ">units", "reason"), left))
