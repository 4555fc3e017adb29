"""Workflows: started once under their key, advanced by one process at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from angel_x.adapters.postgres.rows import Parameters, named, read
from angel_x.domain.orders.step import Passing, Step, unhindered
from angel_x.domain.workflows.workflow import DueWorkflow, Workflow, WorkflowKind, WorkflowStatus
from angel_x.errors import IdempotencyConflict

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_COLUMNS = """
    id, user_id, kind, key, status, spec, outcome, actor, rings, created_at, finished_at,
    request_hash
"""
# A square-off closes what others have opened, so its start is on record.
_START = f"""
WITH started AS (
    INSERT INTO workflows (user_id, kind, key, request_hash, spec, actor, due_at)
    VALUES (%(user_id)s, %(kind)s, %(key)s, %(request_hash)s, %(spec)s::jsonb, %(actor)s,
        clock_timestamp() + make_interval(secs => %(due_in)s))
    ON CONFLICT (user_id, kind, key) DO NOTHING
    RETURNING id, user_id, kind, key, spec, actor
), audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT actor, 'square_off.started', 'user:' || user_id, jsonb_strip_nulls(jsonb_build_object(
        'square_off', id::text, 'key', key, 'symbol', spec->'symbol', 'underlying', spec->'underlying',
        'product', spec->'product', 'reason', spec->'reason'))
    FROM started WHERE kind = '{WorkflowKind.SQUARE_OFF}'
)
SELECT id FROM started
"""
_BY_KEY = f"""
SELECT {_COLUMNS} FROM workflows
WHERE user_id = %(user_id)s AND kind = %(kind)s AND key = %(key)s
"""
_READ = f"SELECT {_COLUMNS} FROM workflows WHERE user_id = %(user_id)s AND id = %(id)s"
# Counted first, because the attempt may end its process; the pause keeps the relay from ringing.
_ATTEMPT = f"""
UPDATE workflows SET rings = rings + 1,
    due_at = clock_timestamp() + make_interval(secs => %(pause)s)
WHERE status = '{WorkflowStatus.RUNNING}' AND id = (
    SELECT id FROM workflows WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)
"""
# Not FOR UPDATE: orders refer to their basket, and their insertion by another transaction of the
# very same process must not wait for this one.
_LOCK = f"""
SELECT {_COLUMNS} FROM workflows WHERE id = %(id)s AND status = '{WorkflowStatus.RUNNING}'
FOR NO KEY UPDATE SKIP LOCKED
"""
_SAVE = """
UPDATE workflows SET spec = %(spec)s::jsonb, rings = 0,
    due_at = clock_timestamp() + make_interval(secs => %(due_in)s)
WHERE id = %(id)s
"""
_FINISH = """
UPDATE workflows SET spec = %(spec)s::jsonb, status = %(status)s, outcome = %(outcome)s::jsonb,
    finished_at = clock_timestamp()
WHERE id = %(id)s
"""
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0))"
_FORGIVE = "UPDATE workflows SET rings = greatest(rings - 1, 0) WHERE id = %(id)s"
_DUE = f"""
UPDATE workflows SET due_at = clock_timestamp() + make_interval(secs => %(pause)s)
WHERE id IN (
    SELECT id FROM workflows WHERE status = '{WorkflowStatus.RUNNING}' AND due_at <= clock_timestamp()
    ORDER BY due_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, kind
"""


class _WorkflowRow(NamedTuple):
    """``_COLUMNS``."""

    id: int
    user_id: int
    kind: str
    key: str
    status: str
    spec: dict[str, Any]
    outcome: dict[str, Any] | None
    actor: str
    rings: int
    created_at: datetime
    finished_at: datetime | None
    request_hash: memoryview


class _DueRow(NamedTuple):
    id: int
    kind: str


#: Seconds of an attempt after which the relay rings for another one.
_ATTEMPT_SECONDS = 5.0


class PostgresWorkflowUnit:
    """One locked workflow.  Saved changes are committed when it is left without an error."""

    def __init__(self, connection: Connection, workflow: Workflow) -> None:
        self._connection = connection
        self.workflow = workflow

    def alone(self) -> bool:
        """Take the lock of the kind and account, which is held until the unit is left."""
        mine = {"name": f"{self.workflow.kind} of account {self.workflow.user_id}"}
        return bool(self._connection.exec_driver_sql(_ALONE, mine).scalar_one())

    def save(self, spec: Mapping[str, Any] | None = None, *, due_in: float = 0.0) -> None:
        parameters = {"id": self.workflow.id, "spec": self._spec(spec), "due_in": due_in}
        self._connection.exec_driver_sql(_SAVE, parameters)

    def finish(
        self,
        status: WorkflowStatus,
        outcome: Mapping[str, Any],
        *,
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        parameters = {
            "id": self.workflow.id,
            "spec": self._spec(spec),
            "status": status.value,
            "outcome": json.dumps(outcome),
        }
        self._connection.exec_driver_sql(_FINISH, parameters)

    def _spec(self, spec: Mapping[str, Any] | None) -> str:
        return json.dumps(self.workflow.spec if spec is None else spec)


class PostgresWorkflows:
    """The table ``workflows``."""

    def __init__(self, engine: Engine, *, at: Passing = unhindered) -> None:
        self._engine = engine
        self._at = at

    def start(
        self,
        user_id: int,
        kind: WorkflowKind,
        key: str,
        *,
        request_hash: bytes,
        spec: Mapping[str, Any],
        actor: str,
        due_in: float = 1.0,
    ) -> tuple[Workflow, bool]:
        """Store a workflow, or find that of the same key; the relay rings for it after ``due_in`` seconds.

        Raises:
            IdempotencyConflict: A workflow of other content has this key.
        """
        parameters = {"user_id": user_id, "kind": kind.value, "key": key}
        row = {
            "request_hash": request_hash,
            "spec": json.dumps(spec),
            "actor": actor,
            "due_in": due_in,
        }
        with self._engine.begin() as connection:
            is_new = connection.exec_driver_sql(_START, parameters | row).rowcount == 1
            # A separate statement, which sees a workflow that another transaction stored meanwhile.
            [found] = named(connection.exec_driver_sql(_BY_KEY, parameters), _WorkflowRow)
        if bytes(found.request_hash) != request_hash:
            raise IdempotencyConflict(key, field="key")
        return _workflow(found), is_new

    @contextmanager
    def locked(self, workflow_id: int) -> Iterator[PostgresWorkflowUnit | None]:
        """Lock a workflow; None if it is finished, unknown or locked by another process.

        The attempt is counted first.  After an error nothing else is stored.
        """
        with self._engine.connect() as connection:
            attempt = {"id": workflow_id, "pause": _ATTEMPT_SECONDS}
            counted = connection.exec_driver_sql(_ATTEMPT, attempt).rowcount
            connection.commit()
            mine = counted and named(
                connection.exec_driver_sql(_LOCK, {"id": workflow_id}), _WorkflowRow
            )
            if not mine:
                connection.rollback()
                yield None
                return
            self._at(Step.WORKFLOW_BEGUN)
            yield PostgresWorkflowUnit(connection, _workflow(mine[0]))
            self._at(Step.WORKFLOW_SAVED)
            connection.commit()
        self._at(Step.WORKFLOW_COMMITTED)

    def forgive(self, workflow_id: int) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_FORGIVE, {"id": workflow_id})

    def due(self, limit: int, *, pause_seconds: float = _ATTEMPT_SECONDS) -> list[DueWorkflow]:
        """Take due workflows; other processes get them only after the pause."""
        parameters = {"limit": limit, "pause": pause_seconds}
        with self._engine.begin() as connection:
            rows = named(connection.exec_driver_sql(_DUE, parameters), _DueRow)
        return [DueWorkflow(row.id, WorkflowKind(row.kind)) for row in sorted(rows)]

    def named(self, user_id: int, kind: WorkflowKind, key: str) -> Workflow | None:
        parameters = {"user_id": user_id, "kind": kind.value, "key": key}
        return self._one(_BY_KEY, parameters)

    def read(self, user_id: int, workflow_id: int) -> Workflow | None:
        return self._one(_READ, {"user_id": user_id, "id": workflow_id})

    def _one(self, statement: str, parameters: Parameters) -> Workflow | None:
        rows = read(self._engine, statement, _WorkflowRow, parameters)
        return _workflow(rows[0]) if rows else None


def _workflow(row: _WorkflowRow) -> Workflow:
    return Workflow(
        row.id, row.user_id, WorkflowKind(row.kind), row.key, WorkflowStatus(row.status), row.spec,
        row.outcome, row.actor, row.rings, row.created_at, row.finished_at,
    )  # fmt: skip
