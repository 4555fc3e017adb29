"""Answers to commands, on an API in memory."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.book.risk import TradingState
from angel_x.domain.records.access import Scope
from angel_x.domain.workflows.square_off import Remainder
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.telegram import texts
from angel_x.entrypoints.telegram.confirmation import Confirmations, Speaker
from angel_x.entrypoints.telegram.conversation import Conversation, Reply, told_end
from angel_x.errors import ApiError, Unavailable
from tests.builders.timers import Timer
from tests.fakes.desk_api import DeskApi, make_balance, make_order, make_position

SPEAKER = Speaker(41, 41)
CODE = "4821"


@pytest.fixture
def api() -> DeskApi:
    api = DeskApi()
    api.add_key("trader", "trader", Scope.TRADE)
    api.add_key("reader", "reader", Scope.READ)
    api.add_key("root", "root", Scope.TRADE, Scope.ADMIN)
    return api


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(Confirmations(Timer(), lambda: CODE))


def said(api: DeskApi, conversation: Conversation, text: str, key: str = "trader") -> str:
    return reply(api, conversation, text, key).text


def reply(api: DeskApi, conversation: Conversation, text: str, key: str = "trader") -> Reply:
    return conversation.answer(SPEAKER, api.connect(key), text, "telegram-501")


def test_the_status_has_state_market_money_and_open_orders(
    api: DeskApi, conversation: Conversation
) -> None:
    api.orders = {"1": make_order(1)}
    api.balance = make_balance(day_pnl=Decimal("123456.70"), shortfall=Decimal(1000))

    assert said(api, conversation, "/status").splitlines() == [
        "trader, paper",
        "Trading: active",
        "Market: open until Tue 25 Aug 15:30 IST",
        "Equity: ₹1,00,00,195.00",
        "Day's P&L: +₹1,23,456.70",
        "Margin used: ₹12,34,567.00, free: ₹87,52,530.50, short of ₹1,000.00",
        "Open orders: 1",
        "As of 25 Aug 10:30:00 IST, market time",
    ]


def test_positions_have_average_mark_and_profit(api: DeskApi, conversation: Conversation) -> None:
    assert said(api, conversation, "/positions") == "No open positions."
    api.positions = [make_position(quantity=-1300, unrealised_pnl=None, mark=None)]

    title, line = said(api, conversation, "/positions").splitlines()

    assert title == "Open positions: 1"
    assert line.startswith(
        "NIFTY_25AUG26_24050CE NRML: -1,300 at 198.50, mark -, open P&L -, day -₹45"
    )


def test_a_long_list_of_positions_is_cut(api: DeskApi, conversation: Conversation) -> None:
    api.positions = [make_position()] * 500

    text = said(api, conversation, "/positions")

    assert text.endswith("and 480 more")
    assert len(text) < 4096


def test_a_halt_is_carried_out_when_its_code_comes_back(
    api: DeskApi, conversation: Conversation
) -> None:
    question = said(api, conversation, "/halt going *home* [x](y)")

    assert "the account trader" in question
    assert "Reason: going *home* [x](y)" in question
    assert question.endswith(f"/confirm {CODE}")
    assert "kill_switch" not in api.calls

    answer = said(api, conversation, f"/confirm {CODE}")

    assert answer.startswith("Trading of the account trader is halted since 25 Aug 10:30:00 IST.")
    assert api.state is TradingState.HALTED
    assert api.calls.count("kill_switch") == 1
    assert "nothing to confirm" in said(api, conversation, f"/confirm {CODE}")


def test_the_system_is_halted_by_an_explicit_word_and_the_scope_admin(
    api: DeskApi, conversation: Conversation
) -> None:
    assert said(api, conversation, "/halt system") == (
        "Refused: the key of this chat has no scope admin."
    )
    assert "ALL ACCOUNTS" in said(api, conversation, "/halt system fire", "root")
    assert said(api, conversation, f"/confirm {CODE}", "root").startswith(
        "Trading of all accounts is halted"
    )


@pytest.mark.parametrize("text", ["/halt", "/squareoff"])
def test_a_key_that_reads_asks_for_no_code(
    api: DeskApi, conversation: Conversation, text: str
) -> None:
    assert said(api, conversation, text, "reader") == (
        "Refused: the key of this chat has no scope trade."
    )
    assert "nothing to confirm" in said(api, conversation, f"/confirm {CODE}", "reader")


def test_a_square_off_has_the_key_of_its_update_and_its_end_is_told(
    api: DeskApi, conversation: Conversation
) -> None:
    assert "all positions in NIFTY?" in said(api, conversation, "/squareoff nifty")

    begun = reply(api, conversation, f"/confirm {CODE}")

    assert begun == Reply("Square-off 1 has begun; its end is reported here.", "1")
    assert "square_off NIFTY telegram-501" in api.calls
    client = api.connect("trader")
    assert told_end(client, "1") is None
    record = replace(api.square_offs["1"], status=WorkflowStatus.DONE, flat=True)
    api.square_offs["1"] = record
    assert told_end(client, "1") == "Square-off 1 is done: flat, 0 units traded."
    left = Remainder(
        symbol="NIFTY_25AUG26_24050CE",
        product=make_position().product,
        quantity=-65,
        reason="NO_QUOTE",
    )
    api.square_offs["1"] = replace(
        record, status=WorkflowStatus.FAILED, flat=False, left=(left,), open_orders=2
    )
    assert (told_end(client, "1") or "").splitlines()[1:] == [
        "NIFTY_25AUG26_24050CE NRML: -65 (NO_QUOTE)",
        "open orders: 2",
    ]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/squareoff NIFTY BANKNIFTY", "one name"),
        ("/squareoff ../x", "one name"),
        (f"/halt {'x' * 201}", "at most 200 characters, had 201"),
        ("/confirm", "nothing to confirm"),
        ("hello", "not a command"),
        ("/help", "/squareoff [UNDERLYING]"),
        ("/start", "/squareoff [UNDERLYING]"),
    ],
)
def test_other_texts_change_nothing(
    api: DeskApi, conversation: Conversation, text: str, answer: str
) -> None:
    assert answer in said(api, conversation, text)
    assert set(api.calls) <= {"holder"}


def test_errors_of_the_api_are_told(api: DeskApi, conversation: Conversation) -> None:
    said(api, conversation, "/halt")
    api.outage = Unavailable("the API did not answer")
    assert "outcome of a /confirm is unknown" in said(api, conversation, f"/confirm {CODE}")
    api.outage = ApiError("no such\nunderlying", status=404)
    assert said(api, conversation, "/positions") == "It could not be done: no such underlying"
    api.outage = None
    assert said(api, conversation, "/status", "forged") == "Refused: this key is not valid"


def test_a_portfolio_that_cannot_be_valued_leaves_the_rest(
    api: DeskApi, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api.connect("trader")

    def unvalued() -> None:
        raise Unavailable("no portfolio")

    monkeypatch.setattr(client, "portfolio", unvalued)

    text = conversation.answer(SPEAKER, client, "/status", "k").text

    assert "Equity: unknown now" in text
    assert "Open orders: 0" in text


def test_foreign_words_are_one_short_line() -> None:
    assert texts.words("a\nb\u202e") == "a b"
    assert len(texts.words("x" * 1000)) == 200
