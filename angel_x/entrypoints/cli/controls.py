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
from angel_x.entrypoints.cli.numbers import Real
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import account_name, accounts_with_open, targeted
from angel_x.entrypoints.presentation.indian import grouped, ist, price
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import StillOpen
from angel_x.services.controls.control_forms import SquareOffForm, read

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.workflows.square_off import SquareOffRecord

_POLL_SECONDS = 0.1

_of_underlying = click.option("--underlying", help="Only contracts on this underlying.")
_because = click.option("--reason", help="For the audit, at most 200 characters.")


@click.group("kill-switch")
def kill_switch() -> None:
    """Halt or resume trading.

    The state holds for every later decision, and open orders that it does not allow are canceled.
    """


@kill_switch.command()
@targeted
@_of_underlying
@click.option("--reducing", is_flag=True, help="Allow orders that close a position.")
@_because
@as_json
def on(
    user: str | None,
    underlying: str | None,
    reason: str | None,
    *,
    system: bool,
    yes: bool,
    reducing: bool,
    as_json: bool,
) -> None:
    """Halt trading of --user, --underlying or --system."""
    state = TradingState.REDUCING if reducing else TradingState.HALTED
    name = account_name(
        user, f"Set trading to {state}", system=system, yes=yes, underlying=underlying
    )
    _turn(state, name, underlying, reason, as_json=as_json)


@kill_switch.command()
@targeted
@_of_underlying
@_because
@as_json
def off(
    user: str | None,
    underlying: str | None,
    reason: str | None,
    *,
    system: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Resume trading of --user, --underlying or --system."""
    name = account_name(user, "Resume trading", system=system, yes=yes, underlying=underlying)
    _turn(TradingState.ACTIVE, name, underlying, reason, as_json=as_json)


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
@targeted
@click.option("--symbol", help="Only this contract.")
@_of_underlying
@click.option("--product", type=click.Choice([product.value for product in Product]))
@click.option("--key", help="Id of the square-off; a second call with it starts no other.")
@click.option(
    "--wait",
    default=30.0,
    show_default=True,
    type=Real(0, 3600),
    help="Seconds to wait for its end.",
)
@as_json
def square_off(
    user: str | None,
    symbol: str | None,
    underlying: str | None,
    product: str | None,
    key: str | None,
    wait: float,
    *,
    system: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Cancel open orders and close positions of --user or --system, short positions first.

    The exit code is 1 if an account is not flat; its square-off continues in the background.
    """
    given = {"symbol": symbol, "underlying": underlying, "product": product, "key": key}
    form = read({name: value for name, value in given.items() if value is not None}, SquareOffForm)
    name = account_name(user, "Square off", system=system, yes=yes)
    with application() as app:
        records = _squared_off(app, name, form, wait)
    if as_json:
        print_json(
            {"square_offs": [{"user": user, "square_off": r} for user, r in records.items()]}
            if system
            else records[name or ""]
        )
    else:
        for account, record in records.items():
            _show(record, account)
    for record in records.values():
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


def _squared_off(
    app: Application, name: str | None, form: SquareOffForm, wait: float
) -> dict[str, SquareOffRecord]:
    """Start the square-offs of an account, or of all that have something open, and await them."""
    key, started = form.key or uuid4().hex, {}
    for account, user_id in accounts_with_open(app, name).items():
        workflow, _ = app.workflows.square_off.start(
            user_id, form.selection, key=key, actor=actor()
        )
        started[account] = user_id, workflow.id
    deadline = monotonic() + wait
    return {account: _awaited(app, *ids, deadline) for account, ids in started.items()}


def _awaited(app: Application, user_id: int, workflow_id: int, deadline: float) -> SquareOffRecord:
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
