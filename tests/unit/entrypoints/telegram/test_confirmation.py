from __future__ import annotations

import pytest

from angel_x.entrypoints.telegram.confirmation import (
    VALID_SECONDS,
    Confirmations,
    Halt,
    Refusal,
    Speaker,
    SquareOff,
)
from tests.builders.timers import Timer

SPEAKER = Speaker(41, 41)


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def confirmations(timer: Timer) -> Confirmations:
    return Confirmations(timer)


def test_a_code_confirms_its_action_once(confirmations: Confirmations) -> None:
    code = confirmations.ask(SPEAKER, Halt("lunch"))

    assert confirmations.take(SPEAKER, code) == Halt("lunch")
    assert confirmations.take(SPEAKER, code) is Refusal.NOTHING


def test_codes_have_four_digits_and_are_drawn(confirmations: Confirmations) -> None:
    codes = {confirmations.ask(SPEAKER, SquareOff()) for _ in range(50)}

    assert len(codes) > 1
    assert {len(code) for code in codes if code.isdecimal()} == {4}


@pytest.mark.parametrize("speaker", [Speaker(41, 42), Speaker(-100, 41)])
def test_another_person_or_chat_confirms_nothing(
    confirmations: Confirmations, speaker: Speaker
) -> None:
    code = confirmations.ask(SPEAKER, Halt())

    assert confirmations.take(speaker, code) is Refusal.NOTHING
    assert confirmations.take(SPEAKER, code) == Halt()


def test_a_wrong_code_withdraws_the_action(confirmations: Confirmations) -> None:
    code = confirmations.ask(SPEAKER, Halt())

    assert confirmations.take(SPEAKER, "0000") is Refusal.WRONG
    assert confirmations.take(SPEAKER, code) is Refusal.NOTHING


@pytest.mark.parametrize("code", ["", "४८२१", "1" * 500])
def test_any_text_may_come_as_a_code(confirmations: Confirmations, code: str) -> None:
    confirmations.ask(SPEAKER, Halt())

    assert confirmations.take(SPEAKER, code) is Refusal.WRONG


def test_a_code_is_valid_for_a_minute(confirmations: Confirmations, timer: Timer) -> None:
    code = confirmations.ask(SPEAKER, Halt())
    timer.now += VALID_SECONDS

    assert confirmations.take(SPEAKER, code) is Refusal.LATE
    assert confirmations.take(SPEAKER, code) is Refusal.NOTHING


def test_a_second_command_withdraws_the_first(timer: Timer) -> None:
    drawn = iter(["1111", "2222", "3333"])
    confirmations = Confirmations(timer, lambda: next(drawn))
    confirmations.ask(SPEAKER, Halt())
    confirmations.ask(SPEAKER, SquareOff("NIFTY"))

    assert confirmations.take(SPEAKER, "2222") == SquareOff("NIFTY")
    assert confirmations.take(SPEAKER, "1111") is Refusal.NOTHING
