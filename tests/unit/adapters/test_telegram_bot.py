"""The Bot API over HTTP: updates, messages, refusals, and a token that never leaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import structlog

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.telegram_bot import LONGEST_TEXT, TelegramBot
from angel_x.errors import BotUnanswered
from config.loading import load
from tests.builders.bot_api import TOKEN, BotApi, bot_api


@pytest.fixture(scope="module")
def server() -> Iterator[BotApi]:
    with bot_api() as found:
        yield found


@pytest.fixture
def api(server: BotApi) -> BotApi:
    for kept in (server.updates, server.sent, server.asked, server.refusals):
        kept.clear()
    return server


@pytest.fixture
def bot(api: BotApi) -> Iterator[TelegramBot]:
    with closing(TelegramBot(api.url, TOKEN)) as bot:
        yield bot


def test_updates_come_from_an_id_on_and_only_messages_are_asked_for(
    api: BotApi, bot: TelegramBot
) -> None:
    first, second = api.write("/status"), api.write("/help", person=42)

    everything = bot.updates(None, 0)
    later = bot.updates(second, 25)

    assert [(each.id, each.message and each.message.text) for each in everything] == [
        (first, "/status"),
        (second, "/help"),
    ]
    assert [each.message.sender.id for each in later if each.message and each.message.sender] == [
        42
    ]
    assert api.asked[0] == {"timeout": 0, "limit": 20, "allowed_updates": ["message"]}
    assert (api.asked[1]["offset"], api.asked[1]["timeout"]) == (second, 25)


def test_an_update_that_cannot_be_read_does_not_hide_the_others(
    api: BotApi, bot: TelegramBot
) -> None:
    api.updates += [{"update_id": 7}, {"update_id": 8, "message": {"chat": "strange"}}]
    last = api.write("/help")

    found = bot.updates(None, 0)

    assert [each.id for each in found] == [7, 8, last]
    assert [each.message is None for each in found] == [True, True, False]


def test_a_text_is_sent_without_markup_and_cut_at_the_longest(
    api: BotApi, bot: TelegramBot
) -> None:
    bot.send(41, "*" * 5000)

    (sent,) = api.sent
    assert (sent["chat_id"], sent["text"]) == (41, "*" * LONGEST_TEXT)
    assert "parse_mode" not in sent


@pytest.mark.parametrize(
    ("refusal", "retry_after", "is_final"),
    [
        ({"error_code": 429, "parameters": {"retry_after": 7}}, 7, False),
        ({"error_code": 502, "description": "Bad Gateway"}, None, False),
        ({"error_code": 403, "description": "Forbidden: bot was blocked by the user"}, None, True),
    ],
)
def test_a_refusal_says_whether_another_attempt_makes_sense(
    api: BotApi,
    bot: TelegramBot,
    refusal: dict[str, object],
    retry_after: float | None,
    *,
    is_final: bool,
) -> None:
    api.refusals.append({"ok": False, **refusal})

    with pytest.raises(BotUnanswered) as refused:
        bot.send(41, "x")

    assert (refused.value.retry_after, refused.value.is_final) == (retry_after, is_final)


@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_token_is_in_no_log_and_no_error(
    api: BotApi, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    environ = {"ANGEL_X_TELEGRAM_TOKEN": TOKEN, "ANGEL_X_ALERTS_KEY": f"{'k' * 43}="}
    configure_logging(load({**environ, "ANGEL_X_LOG_LEVEL": level}), "telegram")
    secret = TOKEN.partition(":")[2]

    with closing(TelegramBot(api.url, TOKEN)) as bot:
        bot.send(41, "x")
    with closing(TelegramBot("http://127.0.0.1:1", TOKEN)) as bot:
        with pytest.raises(BotUnanswered, match="no answer to getUpdates: ConnectError") as failed:
            bot.updates(None, 0)
        structlog.get_logger().warning("telegram.waiting", error=str(failed.value), bot=repr(bot))
    # Even where a library logs an address.
    logging.getLogger("some.library").warning("POST %s/bot%s/getMe", api.url, TOKEN)

    logged = capsys.readouterr().err
    assert "telegram.waiting" in logged
    assert "POST" in logged
    assert secret not in logged
    assert secret not in repr(failed.value)
    assert failed.value.__suppress_context__


def test_certificates_are_verified(bot: TelegramBot) -> None:
    pool = bot._http._transport
    assert isinstance(pool, httpx.HTTPTransport)
    assert pool._pool._ssl_context is not None
    assert pool._pool._ssl_context.verify_mode.name == "CERT_REQUIRED"
