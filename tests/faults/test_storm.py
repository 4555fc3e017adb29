"""A short storm over the whole system, as the command runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.whole.instance import command, environment_of

pytestmark = pytest.mark.e2e

ORDERS = 600
FAULTS = 12
#: Seconds; generous, because machines that run tests run other things too.
DRAIN = 300


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the storm has shown."""
    home = tmp_path_factory.mktemp("chaos")
    home.chmod(0o755)
    options = ("--orders", str(ORDERS), "--minutes", "0.25", "--faults", str(FAULTS), "--seed", "5")

    shown = command(
        environment_of(home), "chaos", *options, "--drain-seconds", str(DRAIN), "--json"
    )

    assert shown.out, shown.error
    document: dict[str, Any] = json.loads(shown.out)
    return {**document, "code": shown.code, "home": home}


def test_every_rule_holds(report: dict[str, Any]) -> None:
    broken = {rule["name"]: rule["example"] for rule in report["rules"] if rule["broken"]}
    assert broken == {}
    assert len(report["rules"]) > 15
    assert report["holds"]
    assert report["code"] == 0


def test_no_order_was_lost_or_doubled(report: dict[str, Any]) -> None:
    history = report["history"]

    assert history["accepted"] == history["sent"] >= ORDERS
    for fault in ("lost", "doubled", "unexpected", "phantom", "premature", "unresolved", "hung"):
        assert history[fault] == []
    assert history["repeated"] > 0


def test_faults_of_many_kinds_are_proven(report: dict[str, Any]) -> None:
    proven = [fault for fault in report["each_fault"] if fault["is_verified"]]

    assert len(proven) == report["faults"]["verified"] >= FAULTS
    assert len({fault["kind"] for fault in proven}) >= FAULTS
    assert all(fault["evidence"] for fault in proven)


def test_every_order_was_decided(report: dict[str, Any]) -> None:
    assert report["drained_seconds"] <= DRAIN
    assert not {"received", "submitting"} & set(report["by_status"])
    assert report["by_status"]["filled"] > ORDERS / 4


def test_nothing_is_left(report: dict[str, Any]) -> None:
    home: Path = report["home"]

    assert list(home.rglob("chaos")) == []
