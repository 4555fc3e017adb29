from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from angel_x.domain.book.control import Control, ControlList, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.denial import DenialReason
from angel_x.entrypoints.desk.account import Snapshot
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views.header import header
from angel_x.entrypoints.desk.views.words import NONE, Tone
from tests.fakes.desk_api import NOW, OPEN_MARKET, make_balance


def controls(state: TradingState, *of: Control) -> ApiReading[ControlList]:
    return ApiReading(ControlList(state=state, controls=of), 1.0)


def test_before_the_first_reading_nothing_is_claimed() -> None:
    found = header(Snapshot())

    texts = (found.mode, found.open_profit, found.margin_used, found.margin_free, found.trading)
    assert {text.text for text in texts} == {NONE}
    assert found.session.text == "Market unknown"


def test_mode_market_and_money_are_told() -> None:
    found = header(
        Snapshot(
            market=ApiReading(OPEN_MARKET, 1.0),
            balance=ApiReading(make_balance(), 1.0),
            controls=controls(TradingState.ACTIVE),
        )
    )

    assert (found.mode.text, found.session.text) == ("PAPER", "Open until 15:30")
    assert found.market_time.text == "10:30:00 IST"
    assert found.margin_free.text == "₹87,52,530.50"
    assert found.day_profit.text == "▼ \N{MINUS SIGN}₹45.00"
    assert found.open_profit.text == "▲ +₹195.00"
    assert (found.trading.text, found.trading.tone) == ("Trading", Tone.GAIN)


def test_live_trading_is_told_by_word_and_colour() -> None:
    found = header(Snapshot(market=ApiReading(replace(OPEN_MARKET, mode="live"), 1.0)))

    assert (found.mode.text, found.mode.tone) == ("LIVE", Tone.LOSS)


def test_live_trading_without_passage_names_the_reason() -> None:
    blocked = replace(OPEN_MARKET, mode="live", blocked=DenialReason.LIVE_UNCONFIRMED)

    found = header(Snapshot(market=ApiReading(blocked, 1.0)))

    assert (found.mode.text, found.mode.tone) == ("LIVE, BLOCKED", Tone.WARNING)
    assert "LIVE_UNCONFIRMED" in found.mode.title


def test_a_closed_market_names_its_opening() -> None:
    found = header(Snapshot(market=ApiReading(replace(OPEN_MARKET, is_open=False), 1.0)))

    assert found.session.text == "Closed until Tue 25 Aug, 15:30"


def test_a_shortfall_stands_in_place_of_free_margin() -> None:
    found = header(Snapshot(balance=ApiReading(make_balance(shortfall=Decimal(150000)), 1.0)))

    assert (found.margin_free.text, found.margin_free.tone) == ("short of ₹1,50,000.00", Tone.LOSS)


def test_a_halt_names_actor_time_and_reason() -> None:
    control = Control(
        scope=ControlScope.SYSTEM,
        name="",
        state=TradingState.HALTED,
        actor="key:1",
        reason="<b>news</b>",
        changed_at=NOW,
    )
    found = header(Snapshot(controls=controls(TradingState.HALTED, control)))

    assert found.is_halted
    assert found.trading.text == "Halted"
    assert found.trading.title == "the system, by key:1 at 10:30:00: <b>news</b>"
