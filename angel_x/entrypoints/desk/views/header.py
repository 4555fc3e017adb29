"""The header of every page: mode, market, money and trading state."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.domain.book.control import Control, ControlList, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.calendar.session import IST
from angel_x.domain.records.margin_record import Balance
from angel_x.domain.records.market_status import MarketStatus
from angel_x.entrypoints.desk.account import Snapshot
from angel_x.entrypoints.desk.views.words import NONE, Text, Tone, change, clock, money

_SCOPES = {
    ControlScope.SYSTEM: "the system",
    ControlScope.USER: "this account",
    ControlScope.UNDERLYING: "an underlying",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The texts of the header."""

    mode: Text
    session: Text
    market_time: Text
    day_profit: Text
    open_profit: Text
    margin_used: Text
    margin_free: Text
    trading: Text
    is_halted: bool


def header(snapshot: Snapshot) -> Header:
    """Return the texts of the newest readings."""
    balance, state = snapshot.balance.value, _state(snapshot.controls.value)
    return Header(
        mode=_mode(snapshot.market.value),
        session=_session(snapshot.market.value),
        market_time=_time(snapshot.market.value),
        day_profit=change(None if balance is None else balance.day_pnl),
        open_profit=change(None if balance is None else balance.unrealised_pnl),
        margin_used=money(None if balance is None else balance.margin_used),
        margin_free=_free(balance),
        trading=_trading(state, snapshot.controls.value),
        is_halted=state is TradingState.HALTED,
    )


def _mode(market: MarketStatus | None) -> Text:
    if market is None:
        return Text(NONE, Tone.MUTED)
    if market.mode == "live" and market.blocked is not None:
        return Text(
            "LIVE, BLOCKED", Tone.WARNING, f"No order goes to the exchange: {market.blocked}"
        )
    if market.mode == "live":
        return Text("LIVE", Tone.LOSS, "Orders trade at an exchange, with money")
    return Text("PAPER", Tone.PLAIN, "Orders trade on paper, without money")


def _session(market: MarketStatus | None) -> Text:
    if market is None:
        return Text("Market unknown", Tone.MUTED)
    if market.is_continuous or market.changes_at is None:
        return Text("Open", title="A simulated market trades around the clock")
    then = market.changes_at.astimezone(IST)
    if market.is_open:
        return Text(f"Open until {then:%H:%M}")
    return Text(f"Closed until {then:%a %d %b, %H:%M}", Tone.WARNING)


def _time(market: MarketStatus | None) -> Text:
    return Text(NONE if market is None else f"{clock(market.time)} IST")


def _free(balance: Balance | None) -> Text:
    if balance is None:
        return Text(NONE, Tone.MUTED)
    if balance.shortfall:
        short = money(balance.shortfall).text
        return Text(f"short of {short}", Tone.LOSS, "Only orders that reduce a position pass")
    return money(balance.free_balance)


def _state(controls: ControlList | None) -> TradingState | None:
    return None if controls is None else controls.state


def _trading(state: TradingState | None, controls: ControlList | None) -> Text:
    if state is None or controls is None:
        return Text(NONE, Tone.MUTED)
    if state is TradingState.ACTIVE:
        return Text("Trading", Tone.GAIN, "Orders are let in")
    words = "Halted" if state is TradingState.HALTED else "Reducing only"
    causes = [_cause(control) for control in controls.controls if control.state is state]
    return Text(words, Tone.LOSS, "; ".join(causes))


def _cause(control: Control) -> str:
    name = control.name if control.scope is ControlScope.UNDERLYING else _SCOPES[control.scope]
    reason = f": {control.reason}" if control.reason else ""
    return f"{name}, by {control.actor} at {clock(control.changed_at)}{reason}"
