from __future__ import annotations

import json
import logging
import sys

import pytest
import structlog

from angel_x.adapters.logging import configure_logging
from config.loading import load
from tests.builders.spans import SpanMemory, span_id, trace_id


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_production_writes_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load({"ANGEL_X_ENV": "production", "ANGEL_X_NODE": "n1"}), "orders")

    structlog.get_logger().info("order.filled", order_id=7)
    logging.getLogger("celery.worker").warning("lost %s", "connection")

    ours, theirs = map(json.loads, lines(capsys))
    assert (ours["event"], ours["order_id"]) == ("order.filled", 7)
    assert (ours["role"], ours["node"], ours["level"]) == ("orders", "n1", "info")
    assert (theirs["event"], theirs["logger"]) == ("lost connection", "celery.worker")


def test_a_traceback_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load({"ANGEL_X_LOG_FORMAT": "json"}), "orders")

    try:
        int("no number")
    except ValueError:
        structlog.get_logger().exception("task.failed")

    (line,) = lines(capsys)
    assert "no number" in json.dumps(json.loads(line)["exception"])


def test_development_writes_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load({}), "orders")

    structlog.get_logger().info("order.filled", order_id=7)

    (line,) = lines(capsys)
    assert "order.filled" in line
    assert "order_id=7" in line
    assert not line.startswith("{")


def test_events_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load({"ANGEL_X_LOG_LEVEL": "warning"}), "orders")

    structlog.get_logger().info("order.filled")
    structlog.get_logger().warning("queue.exceeded")

    (line,) = lines(capsys)
    assert "queue.exceeded" in line


def test_what_the_http_client_writes_of_its_requests_is_no_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(load({"ANGEL_X_LOG_LEVEL": "debug"}), "orders")

    logging.getLogger("httpcore.http11").debug("send_request_headers.started %s", "token")
    logging.getLogger("httpx").info("HTTP Request: POST")

    assert lines(capsys) == []


def test_a_line_within_a_span_has_its_ids_also_where_a_library_wrote_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(
        load({"ANGEL_X_LOG_FORMAT": "json", "ANGEL_X_TRACES_FILE": "traces.jsonl"}), "orders"
    )
    memory = SpanMemory()

    structlog.get_logger().info("worker.started")
    with memory.tracer.span("claim"):
        structlog.get_logger().info("order.filled")
        logging.getLogger("celery.worker").warning("lost connection")

    outside, *within = map(json.loads, lines(capsys))
    assert not {"trace_id", "span_id"} & outside.keys()
    span = memory.named("claim")
    ids = {"trace_id": f"{trace_id(span):032x}", "span_id": f"{span_id(span):016x}"}
    assert [line["event"] for line in within] == ["order.filled", "lost connection"]
    assert [line | ids for line in within] == within


def test_a_line_of_a_trace_that_is_not_recorded_has_its_ids(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(
        load({"ANGEL_X_LOG_FORMAT": "json", "ANGEL_X_TRACES_FILE": "traces.jsonl"}), "orders"
    )
    caller = f"00-{7:032x}-{8:016x}-00"

    with SpanMemory().tracer.span("claim", parent=caller):
        structlog.get_logger().info("order.filled")

    (line,) = map(json.loads, lines(capsys))
    assert line["trace_id"] == f"{7:032x}"


def test_without_traces_lines_have_no_ids_and_nothing_is_imported_for_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "angel_x.adapters.tracing.span_ids"
    monkeypatch.delitem(sys.modules, module, raising=False)
    configure_logging(load({"ANGEL_X_LOG_FORMAT": "json"}), "orders")

    with SpanMemory().tracer.span("claim"):
        structlog.get_logger().info("order.filled")

    (line,) = map(json.loads, lines(capsys))
    assert not {"trace_id", "span_id"} & line.keys()
    assert module not in sys.modules
