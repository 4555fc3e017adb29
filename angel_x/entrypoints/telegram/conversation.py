"""The answer to each command of a listed person, by calls of the public API with the person's key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from angel_x.client import Client
from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.records.access import KeyHolder, Scope
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.telegram import texts
from angel_x.entrypoints.telegram.command import Command, CommandName, parse
from angel_x.entrypoints.telegram.confirmation import (
    Action,
    Confirmations,
    Halt,
    Refusal,
    Speaker,
    SquareOff,
)
from angel_x.errors import ApiError, Unauthorized, Unavailable

_UNDERLYING = re.compile(r"[A-Z0-9&-]{1,20}")
_SYSTEM = "system"
#: Of a reason (the API takes no longer one).
_LONGEST_REASON = 200
_PAGE = 100
_UNKNOWN = "This is not a command."
_NO_ANSWER = "The API gave no answer. The outcome of a /confirm is unknown: look at /status."


@dataclass(frozen=True, slots=True)
class Reply:
    """The text of an answer, and the square-off whose end is still to be told."""

    text: str
    running: str | None = None


class Conversation:
    """Answers commands.  Actions that change something wait for their confirmation."""

    def __init__(self, confirmations: Confirmations) -> None:
        self._confirmations = confirmations

    def answer(self, speaker: Speaker, client: Client, text: str, key: str) -> Reply:
        """Carry out a command; ``key`` makes a square-off that is sent twice the same one."""
        try:
            return self._answer(speaker, client, text, key)
        except Unauthorized as error:
            return Reply(f"Refused: {texts.words(str(error))}")
        except Unavailable:
            return Reply(_NO_ANSWER)
        except (ApiError, msgspec.DecodeError) as error:
            return Reply(f"It could not be done: {texts.words(str(error))}")

    def _answer(self, speaker: Speaker, client: Client, text: str, key: str) -> Reply:
        command = parse(text)
        if command is None:
            return Reply(f"{_UNKNOWN}\n{texts.HELP}")
        match command.name:
            case CommandName.STATUS:
                return Reply(_status(client))
            case CommandName.POSITIONS:
                return Reply(texts.positions(client.positions()))
            case CommandName.HALT | CommandName.SQUAREOFF:
                return Reply(self._ask(speaker, client.holder(), command))
            case CommandName.CONFIRM:
                return self._confirm(speaker, client, command.argument, key)
            case _:
                return Reply(texts.HELP)

    def _ask(self, speaker: Speaker, holder: KeyHolder, command: Command) -> str:
        action = _wanted(command)
        if isinstance(action, str):
            return action
        needed = _needed(action)
        if needed not in holder.scopes:
            return f"Refused: the key of this chat has no scope {needed}."
        return texts.asked(action, holder, self._confirmations.ask(speaker, action))

    def _confirm(self, speaker: Speaker, client: Client, code: str, key: str) -> Reply:
        action = self._confirmations.take(speaker, code)
        match action:
            case Refusal():
                return Reply(action.value)
            case Halt():
                return Reply(_halt(client, action))
            case SquareOff():
                return _square_off(client, action, key)


def told_end(client: Client, square_off_id: str) -> str | None:
    """Return the outcome of a square-off, None while it runs.

    Raises:
        ApiError: The API gave no answer, or refused.
    """
    record = client.square_off_standing(square_off_id)
    return None if record.status is WorkflowStatus.RUNNING else texts.squared_off(record)


def _wanted(command: Command) -> Action | str:
    """Return the action of a command, or the text of a refusal."""
    if command.name is CommandName.SQUAREOFF:
        underlying = command.argument.upper()
        if underlying and _UNDERLYING.fullmatch(underlying) is None:
            return "The underlying must be one name, as in /squareoff NIFTY."
        return SquareOff(underlying or None)
    first, _, rest = command.argument.partition(" ")
    of_system = first.lower() == _SYSTEM
    reason = rest if of_system else command.argument
    if len(reason) > _LONGEST_REASON:
        return f"The reason must have at most {_LONGEST_REASON} characters, had {len(reason)}."
    return Halt(reason or None, of_system)


def _needed(action: Action) -> Scope:
    return Scope.ADMIN if isinstance(action, Halt) and action.of_system else Scope.TRADE


def _status(client: Client) -> str:
    page = client.order_page(status="open", page_size=_PAGE)
    more = f"more than {len(page.orders)}" if page.next else str(len(page.orders))
    return texts.status(
        client.holder(),
        client.market(),
        client.controls(),
        client.margin(),
        _equity(client),
        more,
    )


def _equity(client: Client) -> Decimal | None:
    """Return the equity, None where the portfolio cannot be valued now."""
    try:
        return client.portfolio().equity
    except ApiError:
        return None


def _halt(client: Client, action: Halt) -> str:
    scope = ControlScope.SYSTEM if action.of_system else ControlScope.USER
    receipt = client.kill_switch(TradingState.HALTED, scope=scope, reason=action.reason)
    return texts.halted(receipt)


def _square_off(client: Client, action: SquareOff, key: str) -> Reply:
    record = client.square_off(underlying=action.underlying, key=key)
    is_running = record.status is WorkflowStatus.RUNNING
    return Reply(texts.squared_off(record), record.id if is_running else None)
