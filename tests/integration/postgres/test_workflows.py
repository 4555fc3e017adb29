"""What holds for workflows only on a real database; the rest is in the contract with memory."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, event, text

from angel_x.adapters.postgres.workflows import PostgresWorkflows
from angel_x.domain.workflows.workflow import Workflow, WorkflowKind, WorkflowStatus
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe


@pytest.fixture
def workflows(engine: Engine) -> PostgresWorkflows:
    return PostgresWorkflows(engine)


@pytest.fixture
def user(engine: Engine) -> int:
    return open_accounts(engine, 1)[0]


def start(
    workflows: PostgresWorkflows,
    user: int,
    key: str = "exit",
    content: bytes = b"a",
    due_in: float = 0.0,
) -> tuple[Workflow, bool]:
    return workflows.start(
        user,
        WorkflowKind.SQUARE_OFF,
        key,
        request_hash=content,
        spec={"symbol": None},
        actor="api",
        due_in=due_in,
    )


def test_the_start_of_a_square_off_is_audited_once(
    engine: Engine, workflows: PostgresWorkflows, user: int
) -> None:
    workflow, is_new = start(workflows, user)
    _, is_new_again = start(workflows, user)
    workflows.start(
        user, WorkflowKind.BASKET, "legs", request_hash=b"b", spec={"symbol": None}, actor="api"
    )

    with engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action, subject, detail FROM audit_entries"))
        audited = [tuple(row) for row in rows]
    assert (is_new, is_new_again) == (True, False)
    detail = {"square_off": str(workflow.id), "key": "exit"}
    assert audited == [("api", "square_off.started", f"user:{user}", detail)]


def test_an_order_of_a_basket_is_stored_while_its_workflow_is_locked(
    engine: Engine, workflows: PostgresWorkflows, user: int
) -> None:
    workflow, _ = start(workflows, user)
    universe = make_universe()
    list_contracts(engine, universe)

    with workflows.locked(workflow.id), engine.begin() as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        other.execute(
            text("""
            INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity,
                order_type, validity, product, priority, valid_until, ring_at, basket_id)
            VALUES (:user, 'leg', 'x', :symbol, 'BUY', 65, 'MARKET', 'DAY', 'NRML', 'high',
                now() + interval '1 day', now(), :basket)
            """),
            {"user": user, "basket": workflow.id, "symbol": universe.symbols[0]},
        )
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar_one() == 1


def test_a_relay_takes_no_workflow_that_another_process_holds_and_waits_for_none(
    engine: Engine, workflows: PostgresWorkflows, user: int
) -> None:
    taken, free = start(workflows, user, "taken")[0], start(workflows, user, "free")[0]

    with engine.begin() as other:
        other.execute(text(f"SELECT 1 FROM workflows WHERE id = {taken.id} FOR NO KEY UPDATE"))
        assert [due.id for due in workflows.due(10)] == [free.id]

    assert [due.id for due in workflows.due(10)] == [taken.id]


def test_a_workflow_is_due_in_the_seconds_that_it_was_given(
    workflows: PostgresWorkflows, user: int
) -> None:
    later, now = start(workflows, user, "later", due_in=60)[0], start(workflows, user, "now")[0]

    assert [due.id for due in workflows.due(10, pause_seconds=0)] == [now.id]
    assert [due.id for due in workflows.due(10, pause_seconds=60)] == [now.id]
    assert workflows.due(10) == []
    assert later.id != now.id


def test_a_workflow_that_ends_between_the_count_and_the_lock_is_nobodys(
    engine: Engine, workflows: PostgresWorkflows, user: int
) -> None:
    workflow, _ = start(workflows, user)

    def end_it(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        """Let another process finish it once the attempt was counted."""
        if statement.strip().startswith("SELECT") and "SKIP LOCKED" in statement:
            with engine.begin() as other:
                other.execute(text("UPDATE workflows SET status = 'done', finished_at = now()"))

    event.listen(engine, "before_cursor_execute", end_it)
    with workflows.locked(workflow.id) as unit:
        assert unit is None

    stored = workflows.read(user, workflow.id)
    assert stored is not None
    assert (stored.status, stored.rings) == (WorkflowStatus.DONE, 1)


def test_the_longest_due_comes_first_and_one_that_has_ended_never(
    engine: Engine, workflows: PostgresWorkflows, user: int
) -> None:
    ages = {"second": -3, "third": -2, "first": -4, "ended": -9}
    ids = {key: start(workflows, user, key, due_in=due_in)[0].id for key, due_in in ages.items()}
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE workflows SET status = 'done', finished_at = now() WHERE key = 'ended'")
        )
        # Few rows are read in the sequence of the table, not of an index that sorts them.
        connection.execute(text("ANALYZE workflows"))

    assert [due.id for due in workflows.due(1)] == [ids["first"]]
    assert [due.id for due in workflows.due(1)] == [ids["second"]]
    assert [due.id for due in workflows.due(10)] == [ids["third"]]
