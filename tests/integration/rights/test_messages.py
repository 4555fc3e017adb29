"""Messages from outside: who can write to the message broker names an account, and reaches that one.

``orders.submit`` is the only message that names an account.  All others hold ids that the system
stored before, and do to them what is due.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from angel_x.errors import InvalidInput
from config.task_names import TaskName
from tests.builders.message_ids import new_id
from tests.integration.rights.world import HOLDER, NOBODY, STRANGER, Print, World

#: What each message holds, by the names of its parts, written by hand.
MESSAGES = {
    "orders.submit": ["request", "user", "signature"],
    "orders.process_batch": ["order_ids", "exactly"],
    "orders.match": [],
    "orders.expire": [],
    "orders.advance": ["workflow_id"],
    "orders.cancel_all": [],
    "orders.close_intraday": [],
    "orders.close_deliveries": [],
    "greeks.refresh": [],
    "greeks.compute_chunk": ["version", "start", "stop", "as_of"],
    "greeks.snapshot": [],
    "margin.mark": [],
    "portfolio.update": ["user_ids"],
    "portfolio.refresh": [],
    "portfolio.snapshot": [],
    "portfolio.settle": [],
    "monitor.check_memory": [],
    "monitor.check_queues": [],
    "monitor.maintain_partitions": [],
    "monitor.enforce_retention": [],
    "monitor.write_reviews": [],
    "monitor.prove_invariants": [],
    "monitor.reconcile_broker": [],
    "monitor.sample_minute": [],
    "monitor.canary": ["queue", "sent_at"],
    "alerts.collect": [],
    "alerts.send": [],
}


def submit(world: World, request: dict[str, Any], user: str | None) -> tuple[Print, Print]:
    """Submit a request as the task does; return the tables before and after."""
    before = world.print()
    world.application.intake.messaging.submit(new_id(), request, user)
    return before, world.print()


def test_the_table_has_every_message_and_no_other(
    monkeypatch: pytest.MonkeyPatch, shared_environ: dict[str, str]
) -> None:
    for name, value in shared_environ.items():
        monkeypatch.setenv(name, value)
    from tasks.app import app  # noqa: PLC0415 - reads the environment

    app.loader.import_default_modules()
    own = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    found = {name: list(inspect.signature(task.run).parameters) for name, task in own.items()}

    assert found == MESSAGES
    assert found.keys() == set(TaskName)


def test_a_message_submits_for_the_account_that_it_names(world: World) -> None:
    name = world.name()

    before, after = submit(world, world.order_fields() | {"client_order_id": name}, HOLDER)

    assert after.rows["orders"] != before.rows["orders"]
    assert after.strangers == before.strangers
    reading = world.application.people.reading
    assert reading.order_of_client(world.holder_id, name) is not None
    assert reading.order_of_client(world.stranger_id, name) is None


@pytest.mark.parametrize("field", ["user", "user_id", "account"])
def test_an_order_in_a_message_does_not_name_an_account(world: World, field: str) -> None:
    name = world.name()
    value = world.stranger_id if field == "user_id" else STRANGER

    before, after = submit(
        world, world.order_fields() | {"client_order_id": name, field: value}, HOLDER
    )

    assert after == before
    refusals = world.application.intake.refusals
    assert refusals.get(world.holder_id, name) is not None
    assert refusals.get(world.stranger_id, name) is None


@pytest.mark.parametrize("user", [NOBODY, "", None, "holder'--", f"{HOLDER} ", HOLDER.upper()])
def test_a_message_for_an_account_that_nobody_has_stores_nothing(
    world: World, user: str | None
) -> None:
    before = world.print()

    with pytest.raises(InvalidInput):
        world.application.intake.messaging.submit(new_id(), world.order_fields(), user)

    assert world.print() == before


def test_a_message_under_a_name_that_another_account_has_used_is_an_order_of_its_own(
    world: World,
) -> None:
    before, after = submit(
        world, world.order_fields(STRANGER) | {"client_order_id": (taken := world.name())}, STRANGER
    )
    assert after.strangers["orders"] != before.strangers["orders"]

    before, after = submit(world, world.order_fields() | {"client_order_id": taken}, HOLDER)

    assert after.rows["orders"] != before.rows["orders"]
    assert after.strangers == before.strangers
