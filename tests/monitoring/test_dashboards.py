"""Every panel of every dashboard has something to show of a system that trades."""

from __future__ import annotations

import json

import pytest

from angel_x.client import Client
from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board
from deploy.grafana.boards import BOARDS
from deploy.grafana.rules import expressions
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance
from tests.monitoring.prometheus import Prometheus

PATIENCE = 900
#: Counts that begin with a mishap: of a system that is well there is no series.
MISHAPS = (
    Metric.MESSAGES_DROPPED,
    Metric.MESSAGES_EXPIRED,
    Metric.PROGRAMS_REPLACED,
    Metric.RETENTION_FAILURES,
    Metric.STREAMS_DROPPED,
    'outcome!="succeeded"',
)


@pytest.fixture(scope="module")
def traded(system: Instance) -> None:
    """Orders of every priority, some refused, some at rest and canceled."""
    rows = system.cli("chain", "NIFTY", "--json").document["rows"]
    symbol = rows[len(rows) // 2]["symbol"]
    orders = [
        {"symbol": symbol, "side": side, "quantity": 65, "priority": priority}
        for side in ("BUY", "SELL")
        for priority in ("emergency", "high", "normal", "low")
    ]
    resting = {"symbol": symbol, "side": "BUY", "quantity": 65, "order_type": "LIMIT"}
    unaffordable = {"symbol": symbol, "side": "SELL", "quantity": 65 * 25}
    for each in ([*orders, {**resting, "price": "0.05"}], [unaffordable] * 3):
        request = json.dumps({"orders": each})
        assert system.cli("submit", "-", "--user", "demo", stdin=request).code == 0


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_panel_shows_something(
    traded: None, system: Instance, watch: Prometheus, board: Board
) -> None:
    wanted = [text for text in expressions((board,)) if not any(each in text for each in MISHAPS)]
    key = (system.home / "demo.key").read_text(encoding="utf-8").strip()
    assert wanted

    def empty() -> list[str]:
        with Client(system.run_file["api_url"], key) as client:
            client.option_chain("NIFTY")
            client.portfolio()
        return [text for text in wanted if not watch.ask("query", query=text)["result"]]

    eventually(lambda: not empty(), f"something in every panel of {board.name}", PATIENCE)
