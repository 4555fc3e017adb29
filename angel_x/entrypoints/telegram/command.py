"""Commands as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

#: A name, in groups followed by that of the bot, and the rest of the text.
_COMMAND = re.compile(r"/([A-Za-z]{1,32})(?:@\w{1,64})?(?:\s+(.*))?", re.DOTALL)


class CommandName(StrEnum):
    STATUS = "status"
    POSITIONS = "positions"
    HALT = "halt"
    SQUAREOFF = "squareoff"
    CONFIRM = "confirm"
    HELP = "help"
    #: Sent by the app when a person opens the chat.
    START = "start"


@dataclass(frozen=True, slots=True)
class Command:
    """A known command, and the text behind it on one line."""

    name: CommandName
    argument: str = ""


def parse(text: str) -> Command | None:
    """Return the command in a text, None where it is not one that is known."""
    found = _COMMAND.fullmatch(text.strip())
    if found is None or found[1].lower() not in set(CommandName):
        return None
    return Command(CommandName(found[1].lower()), plain(found[2] or ""))


def plain(text: str) -> str:
    """Return a text on one line, without characters that are not shown or turn its direction."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
