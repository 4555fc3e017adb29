from __future__ import annotations

from collections.abc import Callable

import pytest

from angel_x.errors import BadKeysExceeded
from angel_x.services.accounts import bad_keys
from angel_x.services.accounts.bad_keys import BadKeys
from tests.builders.timers import Timer

HOME, AWAY = "10.0.0.1", "10.0.0.2"
PER_SECOND = 2.0
#: Those of five seconds.
BURST = 10


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def throttle(timer: Timer) -> BadKeys:
    return BadKeys(PER_SECOND, timer=timer)


def key(prefix: int, secret: int = 0) -> str:
    return f"ax_{prefix:012x}_{secret:064x}"


def admitted(throttle: BadKeys, count: int, address: str, name: Callable[[int], str] = key) -> int:
    """Look up keys, each of them bad; return how many were let in."""
    let_in = 0
    for n in range(count):
        try:
            throttle.admit(address, name(n))
        except BadKeysExceeded:
            continue
        let_in += 1
    return let_in


def test_an_address_may_send_the_bad_keys_of_five_seconds_at_once_and_then_so_many_a_second(
    throttle: BadKeys, timer: Timer
) -> None:
    assert admitted(throttle, 50, HOME) == BURST

    timer.now += 3.01

    assert admitted(throttle, 50, HOME) == 3 * PER_SECOND


def test_another_address_is_not_concerned(throttle: BadKeys) -> None:
    admitted(throttle, 50, HOME)

    throttle.admit(AWAY, key(1))


def test_a_prefix_is_bounded_over_all_addresses(throttle: BadKeys) -> None:
    let_in = sum(admitted(throttle, 1, f"10.0.1.{n}", lambda _: key(1)) for n in range(50))

    assert let_in == BURST


def test_a_key_without_the_form_of_one_counts_for_its_address(throttle: BadKeys) -> None:
    assert admitted(throttle, 50, HOME, lambda n: f"wrong {n}") == BURST


def test_the_refusal_says_when_to_come_back(throttle: BadKeys) -> None:
    admitted(throttle, 50, HOME)

    with pytest.raises(BadKeysExceeded) as refused:
        throttle.admit(HOME, key(99))

    assert refused.value.retry_after == 1


def test_valid_keys_do_not_count(throttle: BadKeys) -> None:
    for n in range(50):
        throttle.admit(HOME, key(n))
        throttle.trust(HOME, key(n))

    assert admitted(throttle, 50, HOME, lambda n: key(100 + n)) == BURST


def test_a_key_that_was_valid_is_let_in_through_a_flood_of_bad_ones(throttle: BadKeys) -> None:
    throttle.admit(HOME, key(1, 7))
    throttle.trust(HOME, key(1, 7))

    admitted(throttle, 50, HOME, lambda n: key(1, 100 + n))

    throttle.admit(HOME, key(1, 7))


def test_a_key_that_was_valid_counts_like_any_other_once_it_is_not(throttle: BadKeys) -> None:
    throttle.admit(HOME, key(1))
    throttle.trust(HOME, key(1))
    throttle.distrust(key(1))

    assert admitted(throttle, 50, HOME, lambda _: key(1)) == BURST


def test_a_key_is_trusted_for_an_hour(throttle: BadKeys, timer: Timer) -> None:
    throttle.admit(HOME, key(1))
    throttle.trust(HOME, key(1))
    timer.now += 3600.0
    admitted(throttle, 50, HOME, lambda n: key(100 + n))

    with pytest.raises(BadKeysExceeded):
        throttle.admit(HOME, key(1))


def test_a_look_up_without_an_outcome_does_not_count(throttle: BadKeys) -> None:
    for n in range(50):
        throttle.admit(HOME, key(n))
        throttle.excuse(HOME, key(n))

    assert admitted(throttle, 50, HOME, lambda n: key(100 + n)) == BURST


def test_a_slow_rate_lets_in_one_key(timer: Timer) -> None:
    assert admitted(BadKeys(0.1, timer=timer), 5, HOME) == 1


def test_senders_are_forgotten_when_there_are_too_many(
    throttle: BadKeys, timer: Timer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bad_keys, "_MOST", 20)

    for n in range(500):
        timer.now += 0.001
        throttle.admit(f"10.0.{n}", "wrong")
        throttle.admit(HOME, key(n))
        throttle.trust(HOME, key(n))

    assert len(throttle._empty_at) <= 22
