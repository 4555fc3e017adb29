from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.postgres.clock import DatabaseClock
from angel_x.adapters.postgres.engine import make_engine

WRONG = timedelta(hours=2)
CLOSE = timedelta(seconds=5)


@dataclass
class Machine:
    """A machine whose clocks are moved by hand."""

    wall: datetime
    monotonic: float = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine(wall_clock() + WRONG)


@pytest.fixture
def asked(engine: Engine) -> list[str]:
    """What the database was asked."""
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(str(call[2])))
    return statements


def clock_of(engine: Engine, machine: Machine) -> DatabaseClock:
    return DatabaseClock(engine, wall=lambda: machine.wall, monotonic=lambda: machine.monotonic)


def test_a_wrong_wall_clock_is_put_right(engine: Engine, machine: Machine) -> None:
    now = clock_of(engine, machine)()

    assert abs(now - wall_clock()) < CLOSE
    assert now.tzinfo is UTC


def test_time_goes_on_without_asking_again(
    engine: Engine, machine: Machine, asked: list[str]
) -> None:
    clock = clock_of(engine, machine)
    first = clock()

    machine.pass_by(60)

    assert clock() - first == timedelta(seconds=60)
    assert len(asked) == 1


def test_it_is_asked_again_when_the_monotonic_clock_may_have_drifted(
    engine: Engine, machine: Machine, asked: list[str]
) -> None:
    clock = clock_of(engine, machine)
    clock()

    machine.pass_by(601)

    assert abs(clock() - wall_clock()) < CLOSE
    assert len(asked) == 2


def test_a_wall_clock_that_is_set_is_noticed_and_not_followed(
    engine: Engine, machine: Machine, asked: list[str]
) -> None:
    clock = clock_of(engine, machine)
    clock()

    machine.wall -= 2 * WRONG

    assert abs(clock() - wall_clock()) < CLOSE
    assert len(asked) == 2


def test_the_wall_clock_has_to_do_while_the_database_has_never_answered(machine: Machine) -> None:
    nowhere = make_engine("postgresql+psycopg2:///none?host=/nowhere", pool_size=1, max_pool_size=1)
    clock = clock_of(nowhere, machine)

    assert clock() == machine.wall
    nowhere.dispose()
