"""Working in halves: whoever makes a batch fail ends up alone, and the others are worked on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from angel_x.services.halving import in_halves


class Away(Exception):
    """A server is not there."""


class Bench:
    """Counts what was worked on and what was given up."""

    def __init__(self, **errors: Exception) -> None:
        self.batches: list[list[int]] = []
        self.done: list[int] = []
        self.given_up: list[tuple[int, str]] = []
        self.errors = {int(name[1:]): error for name, error in errors.items()}

    def work(self, order_ids: Sequence[int]) -> int:
        self.batches.append(list(order_ids))
        for order_id in order_ids:
            if order_id in self.errors:
                raise self.errors[order_id]
        self.done += order_ids
        return 10 * len(order_ids)

    def give_up(self, order_id: int, trace: str) -> int:
        self.given_up.append((order_id, trace))
        return 1

    def run(self, *order_ids: int) -> int:
        return in_halves(self.work, order_ids, transient=(Away,), give_up=self.give_up)


def test_a_batch_that_works_is_worked_on_once() -> None:
    bench = Bench()

    assert bench.run(1, 2, 3) == 30

    assert (bench.batches, bench.given_up) == ([[1, 2, 3]], [])


def test_nothing_is_split_where_there_is_nothing() -> None:
    bench = Bench()

    assert bench.run() == 0

    assert bench.batches == [[]]


@pytest.mark.parametrize("poison", [1, 2, 3, 4, 5])
def test_the_one_to_blame_is_given_up_alone_and_the_others_are_done(poison: int) -> None:
    bench = Bench(**{f"_{poison}": ZeroDivisionError("this one")})

    assert bench.run(1, 2, 3, 4, 5) == 41

    assert bench.done == [n for n in range(1, 6) if n != poison]
    ((blamed, trace),) = bench.given_up
    assert blamed == poison
    assert trace.startswith("Traceback")
    assert trace.rstrip().endswith("ZeroDivisionError: this one")


def test_several_are_given_up_one_by_one() -> None:
    bench = Bench(_1=ZeroDivisionError(), _4=ValueError())

    assert bench.run(1, 2, 3, 4) == 22

    assert bench.batches == [[1, 2, 3, 4], [1, 2], [1], [2], [3, 4], [3], [4]]
    assert [order_id for order_id, _ in bench.given_up] == [1, 4]


@pytest.mark.parametrize("order_ids", [(1,), (1, 2)])
def test_an_error_of_a_server_is_raised_and_nobody_is_to_blame(order_ids: tuple[int, ...]) -> None:
    bench = Bench(_1=Away())

    with pytest.raises(Away):
        bench.run(*order_ids)

    assert (len(bench.batches), bench.given_up) == (1, [])


def test_an_error_of_a_server_in_a_half_leaves_the_rest_for_another_time() -> None:
    bench = Bench(_1=ZeroDivisionError(), _2=Away())

    with pytest.raises(Away):
        bench.run(1, 2, 3, 4)

    assert (bench.done, [order_id for order_id, _ in bench.given_up]) == ([], [1])


def test_the_end_of_a_process_is_no_order_s_fault() -> None:
    def end(_: Sequence[int]) -> int:
        raise KeyboardInterrupt

    bench = Bench()
    with pytest.raises(KeyboardInterrupt):
        in_halves(end, [1], transient=(), give_up=bench.give_up)

    assert bench.given_up == []


def test_of_a_long_traceback_both_ends_are_kept() -> None:
    bench = Bench(_1=ValueError("begins" + "x" * 10_000 + "ends"))

    bench.run(1)

    ((_, trace),) = bench.given_up
    assert len(trace) == 4_000
    assert trace.startswith("Traceback")
    assert trace[1_999] == "…"
    assert trace.rstrip().endswith("ends")


def test_a_short_traceback_is_kept_whole() -> None:
    bench = Bench(_1=ValueError("x" * 1_000))

    bench.run(1)

    assert "…" not in bench.given_up[0][1]
