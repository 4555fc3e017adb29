from __future__ import annotations

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.query_spans import summary, trace_queries
from tests.builders.spans import SpanMemory

HASH = "0123456789abcdef"


@pytest.fixture
def memory() -> SpanMemory:
    return SpanMemory()


@pytest.fixture
def engine(memory: SpanMemory) -> Engine:
    engine = create_engine("sqlite://")
    trace_queries(engine, memory.tracer)
    return engine


def test_a_statement_is_a_child_without_its_parameters(engine: Engine, memory: SpanMemory) -> None:
    with memory.tracer.span("claim"), engine.connect() as connection:
        connection.execute(text("SELECT :secret"), {"secret": "hunter2"})

    span = memory.named("SELECT")
    assert memory.tree == [("SELECT", "claim"), ("claim", None)]
    assert span.kind is SpanKind.CLIENT
    assert span.attributes == {"db.system.name": "postgresql", "db.query.summary": "SELECT"}
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time <= span.end_time
    assert "hunter2" not in memory.attributes


def test_a_statement_that_fails_is_marked_as_failed(engine: Engine, memory: SpanMemory) -> None:
    with memory.tracer.span("claim"), engine.connect() as connection:
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT * FROM nowhere WHERE 'hunter2' = :a"), {"a": "b"})
        connection.execute(text("SELECT 1"))

    failed, well = (span.status.status_code for span in memory.spans if span.name == "SELECT")
    assert (failed, well) == (StatusCode.ERROR, StatusCode.UNSET)
    assert "hunter2" not in memory.attributes


def test_a_statement_outside_of_all_traces_begins_none(engine: Engine, memory: SpanMemory) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))

    assert memory.spans == ()


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (f"EXECUTE claim_{HASH} (%(ids)s, %(limit)s)", "claim"),
        (f"EXECUTE lock_accounts_{HASH} (%(a)s); EXECUTE lock_{HASH}", "lock_accounts lock"),
        (f"PREPARE claim_{HASH} AS SELECT 1", "PREPARE"),
        ("\nWITH held AS (SELECT 1)", "WITH"),
        ("select 1; EXECUTE x_{HASH}", "SELECT"),
    ],
)
def test_a_statement_is_named_by_its_label_or_its_first_word(statement: str, name: str) -> None:
    assert summary(statement) == name
