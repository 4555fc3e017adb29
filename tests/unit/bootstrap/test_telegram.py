from __future__ import annotations

from contextlib import closing

import pytest

from angel_x.bootstrap import assemble, lay_foundation
from angel_x.bootstrap.telegram import bot_at
from config.loading import load
from config.settings import SettingsError
from tests.builders.bot_api import TOKEN, bot_api
from tests.builders.environs import environ_of

KEY = f"{'k' * 43}="


def test_the_bot_api_is_asked_at_telegram_url_which_is_encrypted_or_on_this_machine() -> None:
    with bot_api() as api:
        settings = load({"ANGEL_X_TELEGRAM_URL": api.url})
        with closing(bot_at(settings, TOKEN)) as bot:
            bot.send(41, "hello")

    assert api.texts == ["hello"]
    with pytest.raises(SettingsError, match="TELEGRAM_URL: expected https"):
        bot_at(load({"ANGEL_X_TELEGRAM_URL": "http://telegram.example.com"}), TOKEN)


@pytest.mark.parametrize(
    ("token", "key", "refusal"),
    [("no token", KEY, "expected the token of a bot"), (TOKEN, "", "needs ANGEL_X_ALERTS_KEY")],
)
def test_a_token_that_cannot_work_stops_the_start(token: str, key: str, refusal: str) -> None:
    urls = ("postgresql://127.0.0.1:1/x", "redis://127.0.0.1:1/0", "redis://127.0.0.1:1/1")
    environ = environ_of(*urls, telegram_token=token, alerts_key=key, metrics_enabled="false")

    with closing(lay_foundation(load(environ), "cli")) as base:
        with pytest.raises(SettingsError, match=refusal) as refused:
            assemble(base)
        assert token not in str(refused.value)
