"""The tutorial, done on a running system from its first command to its last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from angel_x import Client
from angel_x.adapters.sealing import new_key
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.up.addresses import free_ports
from tests.e2e.docs.conftest import Trading
from tests.e2e.processes import ROOT

pytestmark = pytest.mark.e2e

BLOCK = re.compile(r"<!-- session -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "ANGEL_X_ALERTS_KEY": new_key(), "ANGEL_X_ALERTS_PER_MINUTE": "60"}


@pytest.fixture
def alerting(trading: Trading) -> Iterator[Trading]:
    """A system whose alerts are collected and sent, as Beat and a worker of their own do it."""
    ended, alerts = Event(), trading.application.alerts

    def send() -> None:
        while not ended.wait(0.2):
            alerts.collector.collect()
            alerts.sender.send_due()

    thread = Thread(target=send)
    thread.start()
    yield trading
    ended.set()
    thread.join()


def test_the_tutorial_runs_from_the_first_order_to_the_way_out(
    alerting: Trading, tmp_path: Path
) -> None:
    (port,) = free_ports("127.0.0.1", 1)
    script = "\n".join(BLOCK.findall((ROOT / "docs/tutorial.md").read_text(encoding="utf-8")))
    # What the reader's directory has; here it is on PATH already.
    script = script.replace('export PATH="$PWD/.venv/bin:$PATH"\n', "")
    script = script.replace("examples/hear_alerts.py", f"{ROOT}/examples/hear_alerts.py {port}")
    script = script.replace("127.0.0.1:9900", f"127.0.0.1:{port}")

    ending = "trap 'kill $(jobs -p)' EXIT"
    printed = alerting.run("bash", "-euo", "pipefail", "-c", f"cd {tmp_path}\n{ending}\n{script}")

    heard = (tmp_path / "heard.txt").read_text(encoding="utf-8")
    assert "This is a test of the alerts" in heard
    assert "QUANTITY_LIMIT" in printed
    assert "end of the tutorial" in printed
    assert "square_off.started" in printed
    with Client(alerting.url, alerting.key) as client:
        assert client.submission("tutorial-1").status is OrderStatus.FILLED
        assert client.submission("tutorial-2").status is OrderStatus.DENIED
        assert client.read_basket("spread").status is WorkflowStatus.DONE
        assert client.positions() == []
