from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.whole.instance import command, environment_of

pytestmark = pytest.mark.e2e

ORDERS = 400
# A kill switch and a worker race for an order: either the order is refused or it is canceled.
HALTED = ("denied for TRADING_HALTED", "canceled for KILL_SWITCH")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one demonstration found."""
    home = tmp_path_factory.mktemp("demo")
    home.chmod(0o755)

    shown = command(environment_of(home), "demo", "--orders", str(ORDERS), "--seed", "3", "--json")

    assert shown.code == 0, shown.error + shown.out
    document: dict[str, Any] = json.loads(shown.out)
    return {**document, "home": home}


def test_every_invariant_holds(report: dict[str, Any]) -> None:
    assert [rule["name"] for rule in report["invariants"] if not rule["holds"]] == []
    assert len(report["invariants"]) > 10
    assert report["holds"]


def test_every_order_was_accepted_and_decided(report: dict[str, Any]) -> None:
    orders = report["orders"]

    assert orders["accepted"] == ORDERS
    assert sum(orders["by_status"].values()) == ORDERS
    assert "received" not in orders["by_status"]
    assert orders["by_status"]["filled"] > ORDERS / 4
    assert sum(orders["denials"].values()) == orders["by_status"].get("denied", 0)
    assert orders["per_second"] > 0


def test_every_priority_was_timed(report: dict[str, Any]) -> None:
    latency = report["latency_ms"]

    assert list(latency) == ["emergency", "high", "normal", "low"]
    assert sum(each["orders"] for each in latency.values()) == ORDERS
    assert all(0 < each["p50"] <= each["p99"] for each in latency.values())


def test_a_worker_was_killed_and_replaced(report: dict[str, Any]) -> None:
    killed = report["killed_worker"]

    assert killed["is_dead"]
    assert killed["children"]
    assert killed["successor"] not in {None, killed["worker"]}


def test_one_account_shows_stop_slices_halt_and_the_way_out(report: dict[str, Any]) -> None:
    feats = {feat["name"]: feat for feat in report["feats"]}

    assert list(feats) == ["stop", "slices", "kill switch", "square-off"]
    assert all(feat["holds"] for feat in feats.values())
    assert "3,575 units became 1,755 + 1,755 + 65" in feats["slices"]["outcome"]
    assert any(end in feats["kill switch"]["outcome"] for end in HALTED)
    assert feats["square-off"]["outcome"].endswith(" 0 positions left")


def test_bad_input_of_every_kind_was_refused(report: dict[str, Any]) -> None:
    assert len(report["refusals"]) > 25
    assert all(400 <= each["status"] < 500 for each in report["refusals"])
    assert all(each["status"] == each["expected"] for each in report["refusals"])


def test_the_report_shows_accounts_chain_and_memory(report: dict[str, Any]) -> None:
    accounts = {account["name"]: account for account in report["accounts"]}

    assert len(accounts) >= 4
    assert any(account["positions"] for account in accounts.values())
    (position, *_) = next(a["positions"] for a in accounts.values() if a["positions"])
    assert {"unrealised_pnl", "delta", "gamma", "vega", "theta"} <= set(position)
    assert report["chain"]["underlying"] == "NIFTY"
    assert any(name.rpartition("/")[2].startswith("orders") for name in report["memory"])


def test_nothing_is_left_of_a_demonstration(report: dict[str, Any]) -> None:
    home: Path = report["home"]

    assert list(home.iterdir()) == []
