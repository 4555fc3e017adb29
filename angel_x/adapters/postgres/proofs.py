"""Proofs of the invariants in slices, each a short transaction, so that no statement meets its limit.

The proof of changes looks at the orders since the oldest one that was open at the proof before, and at
the accounts of these orders and of the ledger since then.  A row that was changed behind the back of
the system is found by the full proof.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import structlog
from psycopg2.errors import QueryCanceled, SerializationFailure
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.invariants import (
    RULES,
    ProofSlice,
    ProofSubject,
    among,
    between,
    checked,
)
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.operations.proof import Proof, ProofKind
from angel_x.domain.orders.order import OPEN

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

log = structlog.get_logger()

#: Seconds after which a call ends; the task has fifteen.
_BUDGET_SECONDS = 4.0
#: A slice that took longer is followed by smaller ones, one that took a fraction of it by larger ones.
_SLICE_SECONDS = 1.0
_LARGEST = 100_000
#: The longest time between the time of a row and its commit.
_LATEST_COMMIT = timedelta(minutes=10)

_ENSURE = f"""
INSERT INTO proofs (kind) SELECT kind FROM unnest(ARRAY['{ProofKind.CHANGES}', '{ProofKind.FULL}']) AS t (kind)
WHERE NOT EXISTS (SELECT FROM proofs p WHERE p.kind = t.kind) ON CONFLICT DO NOTHING
"""
# Of two processes one proves.
_STATE = """
SELECT kind, subject, after_id, size, first_order, began_at, proven_at, clock_timestamp() AS now
FROM proofs WHERE kind = %(kind)s FOR UPDATE SKIP LOCKED
"""
_BEGIN = f"""
UPDATE proofs SET subject = '{ProofSubject.ORDERS}', began_at = clock_timestamp(), running_broken = 0,
    running_example = NULL,
    after_id = CASE kind WHEN '{ProofKind.CHANGES}' THEN first_order - 1 ELSE 0 END,
    next_first_order = (SELECT coalesce(
        (SELECT min(id) FROM orders WHERE status IN {literals(OPEN)}),
        (SELECT coalesce(max(id), 0) + 1 FROM orders)))
WHERE kind = %(kind)s
"""
_STEP = """
UPDATE proofs SET subject = %(subject)s, after_id = %(after)s, size = %(size)s,
    running_broken = running_broken + %(broken)s,
    running_example = coalesce(running_example, %(example)s)
WHERE kind = %(kind)s
"""
_SHRINK = "UPDATE proofs SET size = greatest(size / 4, 1) WHERE kind = %(kind)s"
_END = """
UPDATE proofs SET subject = NULL, after_id = 0, first_order = next_first_order, proven_at = began_at,
    broken = running_broken, example = running_example
WHERE kind = %(kind)s
"""
# The orders of a slice, up to its last one; no row: there are no more.
_ORDERS = """
SELECT max(id) FROM (SELECT id FROM orders WHERE id > %(after)s ORDER BY id LIMIT %(size)s) page
"""
_ACCOUNTS = "SELECT id FROM users WHERE id > %(after)s ORDER BY id LIMIT %(size)s"
_CHANGED_ACCOUNTS = """
SELECT user_id FROM orders WHERE id >= %(first)s AND user_id > %(after)s
UNION SELECT user_id FROM ledger_entries WHERE at >= %(since)s AND user_id > %(after)s
ORDER BY user_id LIMIT %(size)s
"""
_PROOFS = """
SELECT kind, subject, after_id,
    extract(epoch FROM clock_timestamp() - proven_at)::float8 AS age_seconds,
    CASE WHEN subject IS NULL THEN broken ELSE greatest(broken, running_broken) END AS broken,
    coalesce(CASE WHEN subject IS NOT NULL THEN running_example END, example) AS example
FROM proofs ORDER BY kind
"""


class _State(NamedTuple):
    kind: str
    subject: str | None
    after_id: int
    size: int
    first_order: int
    began_at: datetime | None
    proven_at: datetime
    now: datetime


class _ProofRow(NamedTuple):
    kind: str
    subject: str | None
    after_id: int
    age_seconds: float
    broken: int
    example: str | None


class _Part(NamedTuple):
    """A slice, and the id where the next one begins; None after the last of its subject."""

    ids: ProofSlice
    after_id: int | None


class PostgresProofs:
    """Takes the proofs in turn; how far they are is stored, so that any process goes on."""

    def __init__(
        self,
        engine: Engine,
        market_clock: Callable[[], datetime],
        *,
        changes_seconds: float,
        full_seconds: float,
        budget_seconds: float = _BUDGET_SECONDS,
    ) -> None:
        self._engine = engine
        self._market_clock = market_clock
        #: How long after its beginning a proof begins again.
        self._pause = {
            ProofKind.CHANGES: timedelta(seconds=changes_seconds),
            ProofKind.FULL: timedelta(seconds=full_seconds),
        }
        self._budget_seconds = budget_seconds

    def advance(self) -> int:
        """Prove slices for some seconds at most, changes first; return their number.

        A slice that meets the time limit of a statement is tried again in quarters.
        """
        ends_at, slices = monotonic() + self._budget_seconds, 0
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_ENSURE)
        for kind in ProofKind:
            while monotonic() < ends_at and self._advanced(kind):
                slices += 1
        return slices

    def state(self) -> list[Proof]:
        """Return the proofs, with the age of the last complete one of each kind."""
        return [
            Proof(
                ProofKind(row.kind),
                row.age_seconds,
                row.broken,
                row.example,
                None if row.subject is None else f"{row.subject} to {row.after_id}",
            )
            for row in read(self._engine, _PROOFS, _ProofRow)
        ]

    def _advanced(self, kind: ProofKind) -> bool:
        """Prove the next slice; return whether there was one."""
        try:
            return self._step(kind)
        except OperationalError as error:
            if isinstance(error.orig, SerializationFailure):
                # Another process has proved the slice meanwhile.
                return False
            if not isinstance(error.orig, QueryCanceled):
                raise
            with self._engine.begin() as connection:
                connection.exec_driver_sql(_SHRINK, {"kind": kind.value})
            log.info("proof.cut", kind=kind.value)
            return True

    def _step(self, kind: ProofKind) -> bool:
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.begin() as connection:
            found = list(named(connection.exec_driver_sql(_STATE, {"kind": kind.value}), _State))
            if not found:
                return False
            [state] = found
            if state.subject is None:
                return self._begins(connection, kind, state)
            self._prove(connection, state, ProofSubject(state.subject))
            return True

    def _begins(self, connection: Connection, kind: ProofKind, state: _State) -> bool:
        """Begin a proof that is due."""
        is_first = state.began_at is None
        if not is_first and state.now - state.proven_at < self._pause[kind]:
            return False
        connection.exec_driver_sql(_BEGIN, {"kind": kind.value})
        return True

    def _prove(self, connection: Connection, state: _State, subject: ProofSubject) -> None:
        started = monotonic()
        part = _part(connection, state, subject)
        results = [
            checked(connection, rule, part.ids, self._market_clock())
            for rule in RULES
            if rule.subject is subject
        ]
        broken = [result for result in results if not result.holds]
        for each in broken:
            log.error("invariant.broken", name=each.name, rows=each.broken, example=each.example)
        is_last = part.after_id is None
        following = ProofSubject.ACCOUNTS if is_last else subject
        step = {
            "kind": state.kind,
            "subject": following.value,
            "after": part.after_id or 0,
            "size": _next_size(state.size, monotonic() - started),
            "broken": sum(each.broken for each in broken),
            "example": f"{broken[0].name}: {broken[0].example}" if broken else None,
        }
        connection.exec_driver_sql(_STEP, step)
        if is_last and subject is ProofSubject.ACCOUNTS:
            connection.exec_driver_sql(_END, {"kind": state.kind})
            log.info("proof.completed", kind=state.kind)


def _next_size(size: int, seconds: float) -> int:
    if seconds > _SLICE_SECONDS:
        return max(size // 2, 1)
    return min(size * 2, _LARGEST) if seconds < _SLICE_SECONDS / 4 else size


def _part(connection: Connection, state: _State, subject: ProofSubject) -> _Part:
    given = {"after": state.after_id, "size": state.size}
    if subject is ProofSubject.ORDERS:
        last = connection.exec_driver_sql(_ORDERS, given).scalar_one()
        # Records beyond the last order have none: they belong to the last slice.
        return _Part(between(state.after_id + 1, last), last)
    if state.kind == ProofKind.CHANGES:
        since = state.proven_at - _LATEST_COMMIT
        changed = {"first": state.first_order, "since": since, **given}
        ids = list(connection.exec_driver_sql(_CHANGED_ACCOUNTS, changed).scalars())
    else:
        ids = list(connection.exec_driver_sql(_ACCOUNTS, given).scalars())
    return _Part(among(ids), ids[-1] if len(ids) == state.size else None)
