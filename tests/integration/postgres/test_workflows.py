"""Workflows on a real database: started once, advanced by one process at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.workflows import Workflows
from angel_x.domain.workflow import Workflow, WorkflowKind, WorkflowStatus
from angel_x.errors import IdempotencyConflict
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe


@pytest.fixture
def workflows(engine: Engine) -> Workflows:
    return Workflows(engine)


@pytest.fixture
def user(engine: Engine) -> int:
    return open_accounts(engine, 1)[0]


def start(
    workflows: Workflows, user: int, key: str = "exit", content: bytes = b"a", due_in: float = 0.0
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


def break_off(workflows: Workflows, workflow_id: int) -> None:
    with workflows.locked(workflow_id) as unit:
        assert unit is not None
        unit.save({"orders": [1, 2]})
        raise ZeroDivisionError


def test_the_same_key_and_content_is_the_same_workflow(workflows: Workflows, user: int) -> None:
    first, is_new = start(workflows, user)
    second, is_new_again = start(workflows, user)

    assert (first.id, is_new, is_new_again) == (second.id, True, False)
    assert workflows.read(user, first.id) == first


def test_the_same_key_with_other_content_is_a_conflict(workflows: Workflows, user: int) -> None:
    workflow, _ = start(workflows, user)

    with pytest.raises(IdempotencyConflict, match="a request of other content has this key: exit"):
        start(workflows, user, content=b"b")

    assert workflows.read(user, workflow.id) == workflow


def test_one_process_at_a_time_advances_a_workflow(workflows: Workflows, user: int) -> None:
    workflow, _ = start(workflows, user)

    with workflows.locked(workflow.id) as first, workflows.locked(workflow.id) as second:
        assert first is not None
        assert second is None


def test_what_is_saved_is_kept_unless_the_step_raises(workflows: Workflows, user: int) -> None:
    workflow, _ = start(workflows, user)

    with workflows.locked(workflow.id) as unit:
        assert unit is not None
        unit.save({"orders": [1]})
    with pytest.raises(ZeroDivisionError):
        break_off(workflows, workflow.id)

    stored = workflows.read(user, workflow.id)
    assert stored is not None
    assert (stored.spec, stored.rings) == ({"orders": [1]}, 1)


def test_a_finished_workflow_is_nobodys_work_any_more(workflows: Workflows, user: int) -> None:
    workflow, _ = start(workflows, user)
    with workflows.locked(workflow.id) as unit:
        assert unit is not None
        unit.finish(WorkflowStatus.DONE, {"flat": True})

    with workflows.locked(workflow.id) as unit:
        assert unit is None

    stored = workflows.read(user, workflow.id)
    assert stored is not None
    assert (stored.status, stored.outcome) == (WorkflowStatus.DONE, {"flat": True})
    assert workflows.due(10) == []


def test_a_due_workflow_is_given_to_one_relay(workflows: Workflows, user: int) -> None:
    workflow, _ = start(workflows, user)

    assert [due.id for due in workflows.due(10)] == [workflow.id]
    assert workflows.due(10) == []


def test_a_workflow_is_not_due_before_its_time_or_while_it_is_advanced(
    workflows: Workflows, user: int
) -> None:
    later, _ = start(workflows, user, "later", due_in=60)
    now, _ = start(workflows, user, "now")

    with workflows.locked(now.id):
        assert workflows.due(10, pause_seconds=0) == []
    with workflows.locked(now.id) as unit:
        assert unit is not None
        unit.save()

    assert [due.id for due in workflows.due(10)] == [now.id]
    assert later.id != now.id


def test_an_order_of_a_basket_is_stored_while_its_workflow_is_locked(
    engine: Engine, workflows: Workflows, user: int
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


def test_two_of_one_account_and_kind_are_not_advanced_at_once(
    workflows: Workflows, user: int
) -> None:
    first, _ = start(workflows, user, "first")
    second, _ = start(workflows, user, "second")

    with workflows.locked(first.id) as one:
        assert one is not None
        assert one.alone()
        with workflows.locked(second.id) as two:
            assert two is not None
            assert not two.alone()
    with workflows.locked(second.id) as two:
        assert two is not None
        assert two.alone()


def test_an_outage_does_not_count_against_a_workflow(workflows: Workflows, user: int) -> None:
    workflow, _ = start(workflows, user)
    with workflows.locked(workflow.id):
        pass

    workflows.forgive(workflow.id)

    stored = workflows.read(user, workflow.id)
    assert stored is not None
    assert stored.rings == 0
