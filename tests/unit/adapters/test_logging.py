from __future__ import annotations

import json
import logging

import pytest
import structlog

from angel_x.adapters.logging import configure_logging
from config.loading import load


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
