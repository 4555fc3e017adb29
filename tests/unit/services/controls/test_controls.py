"""Setting trading states: stored first, enforced and told at once, and answered when they hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NoReturn

import pytest

from angel_x.domain.book.control import Control, ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.errors import InvalidInput, UnknownContract
from angel_x.services.controls.controls import TradingControls, read_state
from tests.builders.paper import UNIVERSE, OneUniverse
from tests.builders.recorders import RecordingEvents
from tests.fakes.controls import Audited, MemoryControls
from tests.fakes.dispatcher import MemoryDispatcher

HALTED, REDUCING, ACTIVE = TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE
SYSTEM, USER, UNDERLYING = ControlScope.SYSTEM, ControlScope.USER, ControlScope.UNDERLYING


def crossed_names(ids: Collection[int]) -> dict[int, str]:
    """Return names each of which is the id of another account."""
    crossed = {1: "2", 2: "1", 7: "8", 8: "7"}
    return {i: crossed[i] for i in ids}


class Panel:
    """Controls over a store, a message broker and a stream in memory."""

    def __init__(self) -> None:
        self.store = MemoryControls()
        self.dispatcher = MemoryDispatcher()
        self.events = RecordingEvents()
        self.controls = TradingControls(
            store=self.store,
            account_names=crossed_names,
            universes=OneUniverse(UNIVERSE),
            dispatcher=self.dispatcher,
            publish=lambda events: self.events.publish(events),  # noqa: PLW0108 - a test replaces it
            unreachable=(ConnectionError,),
        )

    def turn(self, scope: ControlScope, name: str, state: TradingState) -> bool:
        return self.controls.turn(scope, name, state, actor="ann", reason="drill").settled


@pytest.fixture
def panel() -> Panel:
    return Panel()


@pytest.mark.parametrize(
    ("scope", "name", "answered", "told"),
    [(SYSTEM, "", "", 0), (USER, "7", "8", 7), (UNDERLYING, "NIFTY", "NIFTY", 0)],
)
def test_a_state_is_stored_audited_enforced_and_told_to_those_it_concerns(
    panel: Panel, scope: ControlScope, name: str, answered: str, told: int
) -> None:
    receipt = panel.controls.turn(scope, name, HALTED, actor="ann", reason="drill")

    assert (receipt.scope, receipt.name, receipt.state) == (scope, answered, HALTED)
    assert (receipt.actor, receipt.reason, receipt.settled) == ("ann", "drill", True)
    (control,) = panel.store.all()
    assert (control.scope, control.name, control.state) == (scope, name, HALTED)
    assert receipt.changed_at == control.changed_at
    subject = f"{scope}:{name}" if name else "system"
    assert panel.store.audit == [Audited("ann", subject, ACTIVE, HALTED, "drill")]
    assert panel.dispatcher.cancellations == 1
    assert panel.events.published == [
        {
            "user_id": told,
            "kind": "trading_state",
            "scope": scope.value,
            "name": answered,
            "state": "halted",
            "reason": "drill",
        }
    ]


def test_what_is_open_is_canceled_and_told_only_after_the_state_holds(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[int] = []

    def count() -> bool:
        states.append(len(panel.store.stored))
        return True

    def publish(_: Sequence[Mapping[str, object]]) -> None:
        states.append(len(panel.store.stored))

    monkeypatch.setattr(panel.dispatcher, "cancel_all", count)
    monkeypatch.setattr(panel.events, "publish", publish)

    panel.turn(SYSTEM, "", HALTED)

    assert states == [1, 1]


def test_the_answer_says_whether_older_decisions_are_over_and_waits_two_seconds_at_most(
    panel: Panel,
) -> None:
    panel.store.is_read = True
    assert not panel.turn(SYSTEM, "", HALTED)
    panel.store.is_read = False
    assert panel.turn(SYSTEM, "", HALTED)

    assert panel.store.waits == [2.0, 2.0]


def test_a_cache_that_is_away_keeps_no_state_from_being_set(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Sequence[Mapping[str, object]]) -> NoReturn:
        raise ConnectionError

    monkeypatch.setattr(panel.events, "publish", fail)

    assert panel.turn(SYSTEM, "", HALTED)
    assert panel.dispatcher.cancellations == 1


def test_an_underlying_that_is_not_listed_changes_nothing(panel: Panel) -> None:
    with pytest.raises(UnknownContract):
        panel.turn(UNDERLYING, "NIFTTY", HALTED)

    assert_untouched(panel)


@pytest.mark.parametrize("length", [200, 201])
def test_a_reason_has_two_hundred_characters_at_most(panel: Panel, length: int) -> None:
    if length == 200:
        panel.controls.turn(SYSTEM, "", HALTED, actor="ann", reason="x" * length)
        return
    with pytest.raises(InvalidInput) as caught:
        panel.controls.turn(SYSTEM, "", HALTED, actor="ann", reason="x" * length)
    assert (caught.value.field, caught.value.value) == ("reason", "x" * 40)
    assert_untouched(panel)


def assert_untouched(panel: Panel) -> None:
    assert not panel.store.stored
    assert not panel.store.audit
    assert not panel.dispatcher.cancellations
    assert not panel.events.published


def shown(controls: Sequence[Control]) -> list[tuple[str, str]]:
    return [(control.scope.value, control.name) for control in controls]


def test_an_account_sees_its_own_states_and_those_of_everybody(panel: Panel) -> None:
    panel.turn(USER, "1", REDUCING)
    panel.turn(USER, "2", HALTED)
    panel.turn(UNDERLYING, "NIFTY", HALTED)

    mine = panel.controls.of(1)

    # A halted underlying is no state of the account as a whole.
    assert mine.state is REDUCING
    assert shown(mine.controls) == [("user", "2"), ("underlying", "NIFTY")]
    assert panel.controls.of(2).state is HALTED
    assert panel.controls.of(3).state is ACTIVE
    everything = panel.controls.of(1, with_others=True)
    assert shown(everything.controls) == [("user", "2"), ("user", "1"), ("underlying", "NIFTY")]
    assert shown(panel.controls.all()) == shown(everything.controls)
    assert everything.state is REDUCING

    panel.turn(SYSTEM, "", HALTED)
    assert panel.controls.of(1).state is HALTED


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("on", HALTED),
        ("off", ACTIVE),
        ("halted", HALTED),
        ("reducing", REDUCING),
        ("active", ACTIVE),
    ],
)
def test_a_state_is_read_from_the_words_of_the_switch_or_by_its_name(
    word: str, state: TradingState
) -> None:
    assert read_state(word) is state


def test_another_word_is_refused_and_shown_shortened() -> None:
    with pytest.raises(InvalidInput, match="on, off, active, reducing, halted, was stop") as caught:
        read_state("stop" * 30)

    assert (caught.value.field, caught.value.value) == ("state", "stop" * 10)
