"""The loop, on a Bot API over HTTP and an Angel-X API in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

import pytest
from structlog.testing import capture_logs

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.telegram_bot import TelegramBot
from angel_x.domain.book.risk import TradingState
from angel_x.domain.records.access import Scope
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.telegram import texts
from angel_x.entrypoints.telegram.confirmation import Confirmations
from angel_x.entrypoints.telegram.conversation import Conversation
from angel_x.entrypoints.telegram.listener import Listener, _pause
from angel_x.entrypoints.telegram.strangers import Strangers
from angel_x.errors import AlertsOff, Unavailable
from tests.builders.bot_api import TOKEN, BotApi, bot_api
from tests.builders.timers import Timer
from tests.fakes.desk_api import DeskApi

TRADER, READER, UNOPENED, STRANGER = 41, 42, 43, 44
RUNNING = Event()


@dataclass
class MemoryCursor:
    """Stays when the process ends, as the row in the database does."""

    last: int | None = None
    is_away: bool = False

    def next_id(self) -> int | None:
        return None if self.last is None else self.last + 1

    def take(self, update_id: int) -> bool:
        if self.is_away:
            raise ConnectionError("no database")
        if self.last is not None and update_id <= self.last:
            return False
        self.last = update_id
        return True


@dataclass
class System:
    """One listener at a time between a Bot API and an Angel-X API."""

    telegram: BotApi
    api: DeskApi = field(default_factory=DeskApi)
    cursor: MemoryCursor = field(default_factory=MemoryCursor)
    timer: Timer = field(default_factory=Timer)
    people: dict[int, str] = field(default_factory=dict)
    #: Seconds between attempts to answer.
    pauses: list[float] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Start a process, without its thread."""
        with closing(TelegramBot(self.telegram.url, TOKEN)) as bot:
            yield Listener(
                bot=bot,
                cursor=self.cursor,
                key_of=self.key_of,
                connect=self.api.connect,
                conversation=Conversation(Confirmations(self.timer, lambda: "4821")),
                strangers=Strangers(self.timer),
                clock=wall_clock,
                timer=self.timer,
                sleep=self.pauses.append,
                unreachable=(ConnectionError,),
            )

    def key_of(self, person_id: int) -> str | None:
        if person_id == UNOPENED:
            raise AlertsOff("no key opens it")
        return self.people.get(person_id)


@pytest.fixture(scope="module")
def server() -> Iterator[BotApi]:
    with bot_api() as found:
        yield found


@pytest.fixture
def system(server: BotApi) -> System:
    for kept in (server.updates, server.sent, server.asked, server.refusals):
        kept.clear()
    found = System(server, people={TRADER: "trader", READER: "reader"})
    found.api.add_key("trader", "trader", Scope.TRADE)
    found.api.add_key("reader", "reader", Scope.READ)
    return found


def test_a_listed_person_halts_an_account_by_a_command_and_its_code(system: System) -> None:
    with system.listening() as listener:
        system.telegram.write("/halt lunch")
        listener.turn(RUNNING, 0)
        assert system.api.calls == ["holder"]
        system.telegram.write("/confirm 4821")
        listener.turn(RUNNING, 0)

    assert system.api.state is TradingState.HALTED
    assert [each["chat_id"] for each in system.telegram.sent] == [TRADER, TRADER]
    assert "/confirm 4821" in system.telegram.texts[0]
    assert "is halted" in system.telegram.texts[1]


def test_a_code_confirms_nothing_for_another_person(system: System) -> None:
    with system.listening() as listener:
        system.telegram.write("/halt")
        system.telegram.write("/confirm 4821", person=READER)
        listener.turn(RUNNING, 0)

    assert "nothing to confirm" in system.telegram.texts[1]
    assert system.api.state is TradingState.ACTIVE


def test_an_id_that_is_not_listed_gets_no_answer_and_is_logged_once(system: System) -> None:
    with system.listening() as listener, capture_logs() as logs:
        for _ in range(3):
            system.telegram.write("/status", person=STRANGER)
        listener.turn(RUNNING, 0)

    assert system.telegram.sent == []
    assert system.api.calls == []
    assert [(each["event"], each.get("person_id")) for each in logs] == [
        ("telegram.ignored", STRANGER)
    ]
    assert system.cursor.last == system.telegram.last_id


def test_a_key_that_does_not_open_gives_no_rights(system: System) -> None:
    with system.listening() as listener, capture_logs() as logs:
        system.telegram.write("/status", person=UNOPENED)
        listener.turn(RUNNING, 0)

    assert system.telegram.sent == []
    assert "telegram.unopened" in [each["event"] for each in logs]


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_a_group_gets_no_answer_because_all_of_it_would_read_it(system: System, kind: str) -> None:
    with system.listening() as listener:
        system.telegram.write("/status", type=kind, id=-100)
        listener.turn(RUNNING, 0)

    assert system.telegram.sent == []
    assert system.api.calls == []


def test_a_command_of_more_than_a_minute_ago_is_answered_and_not_carried_out(
    system: System,
) -> None:
    with system.listening() as listener:
        system.telegram.write("/halt")
        listener.turn(RUNNING, 0)
        system.telegram.write("/confirm 4821", age=62)
        listener.turn(RUNNING, 0)

    assert system.telegram.texts[1] == texts.TOO_OLD
    assert system.api.state is TradingState.ACTIVE


def test_no_command_is_carried_out_twice_by_two_processes_or_after_a_restart(
    system: System,
) -> None:
    number = system.telegram.write("/positions")
    with system.listening() as listener, system.listening() as other:
        listener.turn(RUNNING, 0)
        # Telegram has not heard of the end yet, and sends the update again.
        system.cursor.next_id = lambda: None  # type: ignore[method-assign]
        other.turn(RUNNING, 0)
    del system.cursor.next_id
    with system.listening() as restarted:
        restarted.turn(RUNNING, 0)

    assert system.api.calls == ["positions"]
    assert system.telegram.asked[-1]["offset"] == number + 1
    assert system.telegram.updates == []


def test_a_command_is_not_carried_out_where_it_could_not_be_taken(system: System) -> None:
    system.telegram.write("/positions")
    system.cursor.is_away = True
    with system.listening() as listener:
        with pytest.raises(ConnectionError):
            listener.turn(RUNNING, 0)
        assert system.api.calls == []
        system.cursor.is_away = False
        listener.turn(RUNNING, 0)

    assert system.api.calls == ["positions"]


def test_an_answer_that_is_refused_is_sent_again_and_its_command_is_not(system: System) -> None:
    system.telegram.write("/positions")
    with system.listening() as listener:
        updates = listener.bot.updates(None, 0)
        system.telegram.refusals.append({"ok": False, "error_code": 502})
        listener._heard(updates[0])

    assert system.telegram.texts == ["No open positions."]
    assert system.api.calls == ["positions"]
    assert len(system.pauses) == 1


def test_an_answer_that_nobody_takes_is_sent_once(system: System) -> None:
    system.telegram.write("/positions")
    with system.listening() as listener, capture_logs() as logs:
        updates = listener.bot.updates(None, 0)
        blocked = {"ok": False, "error_code": 403, "description": "bot was blocked"}
        system.telegram.refusals.append(blocked)
        listener._heard(updates[0])

    assert system.telegram.sent == []
    assert [each["event"] for each in logs] == ["telegram.unanswered"]


def test_the_end_of_a_square_off_is_told_when_it_comes(system: System) -> None:
    with system.listening() as listener:
        system.telegram.write("/squareoff")
        system.telegram.write("/confirm 4821")
        listener.turn(RUNNING, 0)
        assert len(system.telegram.sent) == 2
        system.api.outage = Unavailable("restarting")
        listener.turn(RUNNING, 0)
        system.api.outage = None
        record = system.api.square_offs["1"]
        system.api.square_offs["1"] = replace(record, status=WorkflowStatus.DONE, flat=True)
        listener.turn(RUNNING, 0)
        listener.turn(RUNNING, 0)

    assert system.telegram.texts[1:] == [
        "Square-off 1 has begun; its end is reported here.",
        "Square-off 1 is done: flat, 0 units traded.",
    ]


def test_a_person_who_was_forgotten_is_told_of_no_end(system: System) -> None:
    with system.listening() as listener:
        system.telegram.write("/squareoff")
        system.telegram.write("/confirm 4821")
        listener.turn(RUNNING, 0)
        del system.people[TRADER]
        listener.turn(RUNNING, 0)

    assert system.telegram.texts[2:] == ["Square-off 1 is not followed here any more."]


def test_the_process_goes_on_after_outages_and_ends_when_it_is_told_to(system: System) -> None:
    stop, pauses = Event(), []

    class Stop(Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            if len(pauses) == 2:
                stop.set()
            return False

        def is_set(self) -> bool:
            return stop.is_set()

    system.telegram.refusals.append(
        {"ok": False, "error_code": 429, "parameters": {"retry_after": 30}}
    )
    system.telegram.refusals.append({"ok": False, "error_code": 502})
    with system.listening() as listener, capture_logs() as logs:
        listener.listen(Stop())

    assert [each["event"] for each in logs] == ["telegram.waiting"] * 2
    assert pauses[0] == 30
    assert pauses[1] is not None
    assert 2 <= pauses[1] <= 4


def test_pauses_grow_to_a_minute_and_no_further_in_an_outage_of_days() -> None:
    assert 1 <= _pause(1, None) <= 2
    assert 30 <= _pause(6, None) <= 60
    assert 30 <= _pause(5_000, None) <= 60
    assert _pause(1, 600) == 600
