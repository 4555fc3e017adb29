"""The answers, as plain text: nothing in them is read as markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from angel_x.domain.book.control import Control, ControlList, ControlReceipt, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.calendar.session import IST
from angel_x.domain.records.access import KeyHolder
from angel_x.domain.records.margin_record import Balance
from angel_x.domain.records.market_status import MarketStatus
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.presentation.indian import grouped, ist, price, rupees
from angel_x.entrypoints.telegram.command import plain
from angel_x.entrypoints.telegram.confirmation import Action, Halt

HELP = """Commands:
/status - trading state, market, P&L, margin, open orders
/positions - open positions
/halt [reason] - halt trading of the account
/halt system [reason] - halt trading of all accounts, with a key of scope admin
/squareoff [UNDERLYING] - cancel open orders and close positions
/help - this text
/halt and /squareoff answer with a code; send it back with /confirm within a minute.
Trading is resumed at the desk or on the command line."""
TOO_OLD = "This command arrived more than a minute after it was sent, so it was not carried out."
#: Positions of one answer.
_MOST_POSITIONS = 20
#: Characters of a foreign text.
_LONGEST_WORDS = 200
_MOST_LEFT = 10


def status(
    holder: KeyHolder,
    market: MarketStatus,
    controls: ControlList,
    balance: Balance,
    equity: Decimal | None,
    open_orders: str,
) -> str:
    """Return the state of an account."""
    short = f", short of {rupees(balance.shortfall)}" if balance.shortfall else ""
    return "\n".join(
        (
            f"{words(holder.user)}, {market.mode}",
            *_trading(controls),
            f"Market: {_session(market)}",
            f"Equity: {'unknown now' if equity is None else rupees(equity)}",
            f"Day's P&L: {signed(balance.day_pnl)}",
            f"Margin used: {rupees(balance.margin_used)}, free: {rupees(balance.free_balance)}{short}",
            f"Open orders: {open_orders}",
            f"As of {ist(market.time)} IST, market time",
        )
    )


def positions(found: Sequence[PositionRecord]) -> str:
    """Return the open positions, at most twenty of them."""
    if not found:
        return "No open positions."
    rest = len(found) - _MOST_POSITIONS
    lines = [f"Open positions: {grouped(len(found))}", *map(_position, found[:_MOST_POSITIONS])]
    return "\n".join([*lines, f"and {grouped(rest)} more"] if rest > 0 else lines)


def asked(action: Action, holder: KeyHolder, code: str) -> str:
    """Return the question whether an action is wanted."""
    return f"{_wish(action, holder)}\nTo confirm, send within a minute:\n/confirm {code}"


def halted(receipt: ControlReceipt) -> str:
    """Return the outcome of a halt."""
    of_system = receipt.scope is ControlScope.SYSTEM
    scope = "all accounts" if of_system else f"the account {words(receipt.name)}"
    since = f"Trading of {scope} is {receipt.state} since {ist(receipt.changed_at)} IST"
    if receipt.settled:
        return f"{since}. Open orders are being canceled: see /status."
    return f"{since}, but an order that was on its way may still trade: see /status."


def squared_off(record: SquareOffRecord) -> str:
    """Return the progress or the outcome of a square-off."""
    named = f"Square-off {record.id}"
    if record.status is WorkflowStatus.RUNNING:
        return f"{named} has begun; its end is reported here."
    if record.flat:
        filled = sum(leg.filled_quantity for leg in record.legs)
        return f"{named} is done: flat, {grouped(filled)} units traded."
    return "\n".join((f"{named} has ended and is not flat. Still open:", *_left(record)))


def signed(amount: Decimal | None) -> str:
    """Write a profit with its sign."""
    return f"+{rupees(amount)}" if amount is not None and amount > 0 else rupees(amount)


def words(text: str) -> str:
    """Return a foreign text on one line and at most of some length."""
    line = plain(text)
    return line if len(line) <= _LONGEST_WORDS else f"{line[: _LONGEST_WORDS - 1]}…"


def _wish(action: Action, holder: KeyHolder) -> str:
    if isinstance(action, Halt):
        scope = (
            "ALL ACCOUNTS of the system"
            if action.of_system
            else f"the account {words(holder.user)}"
        )
        reason = f" Reason: {action.reason}" if action.reason else ""
        return f"Halt trading of {scope}, and cancel open orders?{reason}"
    part = f" in {action.underlying}" if action.underlying else ""
    account = words(holder.user)
    return f"Square off the account {account}: cancel open orders and close all positions{part}?"


def _trading(controls: ControlList) -> Iterator[str]:
    yield f"Trading: {controls.state}"
    yield from (_cause(each) for each in controls.controls if each.state is not TradingState.ACTIVE)


def _cause(control: Control) -> str:
    subject = f"{control.scope} {words(control.name)}".strip()
    reason = f": {words(control.reason)}" if control.reason else ""
    cause = f"{subject} {control.state} by {words(control.actor)}"
    return f"  {cause}, {ist(control.changed_at)} IST{reason}"


def _session(market: MarketStatus) -> str:
    if market.is_continuous or market.changes_at is None:
        return "open around the clock"
    state = "open" if market.is_open else "closed"
    return f"{state} until {market.changes_at.astimezone(IST):%a %d %b %H:%M} IST"


def _position(each: PositionRecord) -> str:
    return (
        f"{each.symbol} {each.product}: {grouped(each.quantity)} at {price(each.average_price)}, "
        f"mark {price(each.mark)}, open P&L {signed(each.unrealised_pnl)}, "
        f"day {signed(each.day_pnl)}"
    )


def _left(record: SquareOffRecord) -> Iterator[str]:
    for each in record.left[:_MOST_LEFT]:
        reason = f" ({each.reason})" if each.reason else ""
        yield f"{each.symbol} {each.product}: {grouped(each.quantity)}{reason}"
    if len(record.left) > _MOST_LEFT:
        yield f"and {len(record.left) - _MOST_LEFT} more"
    if record.open_orders:
        yield f"open orders: {grouped(record.open_orders)}"
