"""Commands by Telegram: the bot, the list of people, and the cursor of updates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.telegram import PostgresTelegramCursor, PostgresTelegramPeople
from angel_x.adapters.sealing import Seal
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import Foundation
from angel_x.bootstrap.outside import checked_address
from angel_x.services.accounts.telegram_people import TelegramPeople
from config.settings import Settings, SettingsError

if TYPE_CHECKING:
    from angel_x.adapters.telegram_bot import TelegramBot

#: The id of the bot, and a secret.
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,100}")


@dataclass(frozen=True, kw_only=True)
class BotParts:
    """A bot, and how far its updates were taken."""

    bot: TelegramBot
    cursor: PostgresTelegramCursor


def build_people(base: Foundation, people: AccountParts) -> TelegramPeople:
    """Put together the list of people.

    Raises:
        SettingsError: TELEGRAM_TOKEN is not a token, or there is no ALERTS_KEY beside it.
    """
    _check_token(base.settings)
    seal = Seal(base.settings.alerts_key)
    return TelegramPeople(
        store=PostgresTelegramPeople(base.engine),
        access=people.access,
        sealed=seal.seal,
        opened=seal.open,
    )


def build_bot(base: Foundation, token: str) -> BotParts:
    """Put together the bot of a token, without connecting."""
    # A token begins with the id of its bot.
    bot_id = int(token.partition(":")[0])
    return BotParts(
        bot=bot_at(base.settings, token), cursor=PostgresTelegramCursor(base.engine, bot_id)
    )


def bot_at(settings: Settings, token: str) -> TelegramBot:
    """Return the bot at the address of the settings.

    Raises:
        SettingsError: TELEGRAM_URL is neither encrypted nor on this machine.
    """
    url = checked_address("ANGEL_X_TELEGRAM_URL", settings.telegram_url, "https", "http")
    # Needs an extra, which a system without a bot does not have.
    from angel_x.adapters.telegram_bot import TelegramBot  # noqa: PLC0415

    return TelegramBot(url, token)


def _check_token(settings: Settings) -> None:
    token = settings.telegram_token
    if token and _TOKEN.fullmatch(token) is None:
        raise SettingsError(
            "ANGEL_X_TELEGRAM_TOKEN: expected the token of a bot, was a hidden value"
        )
    if token and not settings.alerts_key:
        raise SettingsError(
            "ANGEL_X_TELEGRAM_TOKEN: needs ANGEL_X_ALERTS_KEY, which encrypts the keys of people"
        )
