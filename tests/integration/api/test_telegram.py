"""Commands by Telegram on a running API: a listed person halts and squares off an account, once."""

from __future__ import annotations

import json
from contextlib import closing
from threading import Event

import pytest

from angel_x import Client
from angel_x.adapters.sealing import new_key
from angel_x.bootstrap.telegram import build_bot
from angel_x.domain.book.risk import TradingState
from angel_x.domain.records.access import Scope
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.cli.telegram import listener_of
from angel_x.entrypoints.telegram.listener import Listener
from tests.builders.bot_api import TOKEN, BotApi, bot_api
from tests.builders.orders import Market
from tests.integration.api.conftest import StartApi
from tests.integration.api.running import RunningApi

PERSON = 41


def code(telegram: BotApi) -> str:
    return telegram.texts[-1].rpartition(" ")[2]


def listened(listener: Listener, telegram: BotApi, *messages: str) -> str:
    """Let the bot take messages, and return its last answer."""
    for message in messages:
        telegram.write(message, person=PERSON)
        listener.turn(Event(), 0)
    return telegram.texts[-1]


def test_a_listed_person_halts_and_squares_off_the_account_and_the_audit_has_it(
    start_api: StartApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with bot_api() as telegram:
        api = start_api(
            ANGEL_X_ALERTS_KEY=new_key(),
            ANGEL_X_TELEGRAM_TOKEN=TOKEN,
            ANGEL_X_TELEGRAM_URL=telegram.url,
        )
        application = api.application
        market = Market.open(application)
        user_id, key = api.open_account("trader")
        person = application.telegram.allow(PERSON, user_id, [Scope.TRADE], actor="cli:test")
        address = "angel_x.entrypoints.api_access.api_address"
        monkeypatch.setattr(address, lambda _settings: api.url)
        parts = build_bot(application.base, TOKEN)
        listener = listener_of(application, parts)
        with closing(parts.bot), Client(api.url, key, retries=0) as client:
            _short(api, client, market.symbols[0])

            assert "NIFTY" in listened(listener, telegram, "/positions")
            assert "Trading: active" in listened(listener, telegram, "/status")
            assert "has no scope admin" in listened(listener, telegram, "/halt system")
            listened(listener, telegram, "/halt by phone")
            halted = listened(listener, telegram, f"/confirm {code(telegram)}")
            assert client.controls().state is TradingState.HALTED
            listened(listener, telegram, "/squareoff NIFTY")
            begun = listened(listener, telegram, f"/confirm {code(telegram)}")
            number = begun.split()[1]
            application.workflows.advance.run(int(number))
            listener.turn(Event(), 0)
            assert client.square_off_standing(number).status is WorkflowStatus.DONE
            assert client.positions() == []

            # The update of the square-off comes again to a process that has just started.
            cursor = parts.cursor
            assert cursor.next_id() == telegram.last_id + 1
            assert not cursor.take(telegram.last_id)

            application.telegram.forget(PERSON, actor="cli:test")
            answers = len(telegram.sent)
            telegram.write("/status", person=PERSON)
            listener.turn(Event(), 0)

    assert halted.startswith("Trading of the account trader is halted since")
    assert telegram.texts[-1] == f"Square-off {number} is done: flat, 65 units traded."
    assert len(telegram.sent) == answers
    audit = _audit(api)
    keyed = f"key:{person.key_prefix}"
    assert ("trading_state.set", keyed) in [(action, actor) for action, actor, _ in audit]
    assert [(action, actor) for action, actor, _ in audit if action.startswith("telegram.")] == [
        ("telegram.allowed", "cli:test"),
        ("telegram.forgotten", "cli:test"),
    ]
    secret = TOKEN.partition(":")[2]
    assert secret not in capsys.readouterr().err
    assert secret not in json.dumps([detail for _, _, detail in audit])


def test_a_cursor_of_days_ago_holds_up_no_new_update(start_api: StartApi) -> None:
    api = start_api(ANGEL_X_ALERTS_KEY=new_key())
    with closing((parts := build_bot(api.application.base, TOKEN)).bot):
        cursor = parts.cursor
        taken = [cursor.take(number) for number in (9000, 9000, 8999, 9001)]
        with api.application.base.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE telegram_cursors SET moved_at = moved_at - interval '3 days'"
            )
        offset = cursor.next_id()
        # After a week without updates, Telegram draws the next id.
        drawn = cursor.take(17), cursor.take(17), cursor.next_id()

    assert taken == [True, False, False, True]
    assert offset is None
    assert drawn == (True, False, 18)


def _short(api: RunningApi, client: Client, symbol: str) -> None:
    """Sell a lot, and decide the order as a worker would."""
    (receipt,) = client.submit({"symbol": symbol, "side": "SELL", "quantity": 65})
    api.application.trading.execution.run([int(receipt.order_id)])
    assert len(client.positions()) == 1


def _audit(api: RunningApi) -> list[tuple[str, str, object]]:
    with api.application.base.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT action, actor, detail FROM audit_entries ORDER BY id"
        )
        return [(row.action, row.actor, row.detail) for row in rows]
