"""Trading states as they are stored and audited, in the database and in memory alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK
from angel_x.adapters.postgres.controls import PostgresControls
from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.services.controls.controls import ControlStore
from tests.fakes.controls import MemoryControls

HALTED, REDUCING, ACTIVE = TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE
SYSTEM, USER, UNDERLYING = ControlScope.SYSTEM, ControlScope.USER, ControlScope.UNDERLYING

#: Actor, subject, state before, state, reason.
Entry = tuple[str, str, str, str, str | None]


class Place(Protocol):
    """A store, the audit that it writes, and somebody who decides orders."""

    store: ControlStore

    def audited(self) -> list[Entry]: ...
    def deciding(self) -> AbstractContextManager[None]: ...


class Memory:
    def __init__(self) -> None:
        self.controls = MemoryControls()
        self.store: ControlStore = self.controls

    def audited(self) -> list[Entry]:
        return [(e.actor, e.subject, e.before, e.state, e.reason) for e in self.controls.audit]

    @contextmanager
    def deciding(self) -> Iterator[None]:
        self.controls.is_read = True
        yield
        self.controls.is_read = False


class Database:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.store: ControlStore = PostgresControls(engine)

    def audited(self) -> list[Entry]:
        query = (
            "SELECT actor, subject, detail->>'before', detail->>'state', detail->>'reason' "
            "FROM audit_entries WHERE action = 'trading_state.set' ORDER BY id"
        )
        with self._engine.connect() as connection:
            return [
                (actor, subject, before, state, reason)
                for actor, subject, before, state, reason in connection.exec_driver_sql(query)
            ]

    @contextmanager
    def deciding(self) -> Iterator[None]:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({CONTROLS_LOCK})")
            yield


@pytest.fixture(params=["memory", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return Memory()
    return Database(request.getfixturevalue("engine"))


def test_a_state_is_stored_with_actor_and_reason_and_replaced_by_the_next(place: Place) -> None:
    first = place.store.put(USER, "1", HALTED, actor="ann", reason="drill")
    assert place.store.all() == [first]
    second = place.store.put(USER, "1", REDUCING, actor="bob", reason=None)

    assert (first.scope, first.name, first.state) == (USER, "1", HALTED)
    assert (first.actor, first.reason) == ("ann", "drill")
    assert (second.state, second.actor, second.reason) == (REDUCING, "bob", None)
    assert second.changed_at >= first.changed_at
    assert place.store.all() == [second]


def test_the_states_of_the_system_come_first_then_accounts_then_underlyings_by_name(
    place: Place,
) -> None:
    names = [(UNDERLYING, "NIFTY"), (USER, "2"), (UNDERLYING, "A"), (USER, "1"), (SYSTEM, "")]
    for scope, name in names:
        place.store.put(scope, name, HALTED, actor="test", reason=None)

    assert [(c.scope, c.name) for c in place.store.all()] == [
        (SYSTEM, ""), (USER, "1"), (USER, "2"), (UNDERLYING, "A"), (UNDERLYING, "NIFTY"),
    ]  # fmt: skip


def test_the_audit_names_the_state_before_of_the_same_scope_and_name(place: Place) -> None:
    for scope, name, state, reason in (
        (USER, "1", HALTED, "a"),
        (USER, "2", REDUCING, None),
        (UNDERLYING, "2", HALTED, "b"),
        (USER, "2", ACTIVE, "c"),
        (SYSTEM, "", HALTED, None),
    ):
        place.store.put(scope, name, state, actor="ann", reason=reason)

    assert place.audited() == [
        ("ann", "user:1", "active", "halted", "a"),
        ("ann", "user:2", "active", "reducing", None),
        ("ann", "underlying:2", "active", "halted", "b"),
        ("ann", "user:2", "reducing", "active", "c"),
        ("ann", "system", "active", "halted", None),
    ]


def test_states_are_settled_once_nobody_decides_under_the_older_ones(place: Place) -> None:
    with place.deciding():
        assert not place.store.settle(0.05)
    assert place.store.settle(0.05)
