"""Orders that are handed in on a kept connection which breaks: stored once, and refused to no caller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.servers.places import POSTGRES_SOCKET
from angel_x.domain.orders.intake import IntakeRow
from angel_x.domain.orders.step import Step
from angel_x.services.intake.acceptance import fingerprint
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.breaking import WITHIN, Breaker, Manner, Moment, breaking
from tests.builders.reception import UNIVERSE, order

UNTIL = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)


@pytest.fixture
def breaker(migrated_url: str) -> Iterator[Breaker]:
    (directory,) = parse_qs(urlsplit(migrated_url).query)["host"]
    with breaking(Path(directory) / POSTGRES_SOCKET) as breaker:
        yield breaker


@pytest.fixture
def breaking_engine(breaker: Breaker, migrated_url: str) -> Iterator[Engine]:
    url = re.sub(r"host=[^&]*", f"host=127.0.0.1&port={breaker.port}", migrated_url)
    made = make_engine(url, pool_size=1, max_pool_size=1)
    with made.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    yield made
    made.dispose()


@pytest.fixture
def row(engine: Engine) -> IntakeRow:
    list_contracts(engine, UNIVERSE)
    (user,) = open_accounts(engine, 1)
    request = order()
    return IntakeRow(user, request, fingerprint(request), UNTIL)


def stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM orders").scalar_one())


@pytest.mark.parametrize(
    ("moment", "manner"), [*WITHIN, (Moment.IDLE, Manner.END), (Moment.IDLE, Manner.RESET)]
)
def test_orders_are_stored_on_a_new_connection_where_the_kept_one_breaks_before_the_commit(
    engine: Engine,
    breaking_engine: Engine,
    breaker: Breaker,
    row: IntakeRow,
    moment: Moment,
    manner: Manner,
) -> None:
    intake = OrderIntake(breaking_engine, ring_after_seconds=1000)
    breaker.break_next(moment, manner)

    (outcome,) = intake.store([row], "api").values()

    # As an order that is new: it is rung for, and its caller is not told of a replay.
    assert outcome.is_new
    assert (stored(engine), breaker.broken, breaker.made) == (1, 1, 2)


@pytest.mark.parametrize(("moment", "manner"), WITHIN)
def test_a_connection_that_breaks_at_the_commit_leaves_the_outcome_to_the_callers_next_attempt(
    engine: Engine,
    breaking_engine: Engine,
    breaker: Breaker,
    row: IntakeRow,
    moment: Moment,
    manner: Manner,
) -> None:
    def at(step: Step) -> None:
        if step is Step.ACCEPTANCE_STORED and not breaker.broken:
            breaker.break_next(moment, manner)

    intake = OrderIntake(breaking_engine, ring_after_seconds=1000, at=at)

    with pytest.raises(OperationalError):
        intake.store([row], "api")
    (outcome,) = intake.store([row], "api").values()

    assert outcome.is_new is (moment is Moment.IN_REQUEST)
    assert stored(engine) == 1
