"""Dashboards are those that the generator writes, load in Grafana's own form, and ask for metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard, GridPos

from angel_x.domain.operations.metric import DEFINITIONS, Metric, MetricKind
from deploy.grafana.board import Board
from deploy.grafana.boards import BOARDS
from deploy.grafana.building import to_json
from deploy.grafana.rules import as_rules, expressions
from tests.unit.deploy import compose
from tests.unit.deploy.test_alerts import ALERTS

FOLDER = compose.DEPLOY / "grafana"
PROMTOOL = shutil.which("promtool")
NAMES = [board.name for board in BOARDS]
#: Series of Prometheus itself.
FOREIGN = {"up", "ALERTS"}
SUFFIX = re.compile(r"_(bucket|count)$")


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (FOLDER / "dashboards" / f"{name}.json").read_text(encoding="utf-8")
    )
    return document


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in read(name)["panels"] if panel["type"] != "row"]


def overlap(one: GridPos, other: GridPos) -> bool:
    return (
        one.x < other.x + other.w
        and other.x < one.x + one.w
        and one.y < other.y + other.h
        and other.y < one.y + one.h
    )


def test_there_is_a_dashboard_for_each_part_of_the_system() -> None:
    assert set(NAMES) == {"orders", "market", "portfolio", "workers", "servers", "objectives"}
    assert {path.stem for path in (FOLDER / "dashboards").iterdir()} == set(NAMES)


@pytest.mark.parametrize("board", BOARDS, ids=NAMES)
def test_a_file_is_the_one_that_the_generator_writes(board: Board) -> None:
    file = FOLDER / "dashboards" / f"{board.name}.json"

    assert file.read_text(encoding="utf-8") == to_json(board), "make dashboards"


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_loads_and_its_panels_lie_side_by_side(name: str) -> None:
    loaded = Dashboard.from_json(read(name))

    assert loaded.uid == f"angel-x-{name}"
    assert loaded.panels
    ids = [panel.id_val for panel in loaded.panels]
    assert len(ids) == len(set(ids))
    places = [panel.grid_pos for panel in loaded.panels]
    assert all(place and 0 < place.w <= 24 - place.x for place in places)
    assert not any(overlap(*pair) for pair in combinations(filter(None, places), 2))


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_asks_the_chosen_prometheus_and_says_the_meaning_of_its_value(name: str) -> None:
    (variable,) = read(name)["templating"]["list"]

    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    for panel in panels(name):
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["description"].endswith((".", *(alert["alert"] for alert in ALERTS)))
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        assert panel["options"] is not None


def test_every_metric_and_every_label_exists() -> None:
    asked: set[Metric] = set()
    for text in expressions():
        names = set(re.findall(r"\b(angel_x_\w+|up|ALERTS)\b", text))
        metrics = {Metric(SUFFIX.sub("", name)) for name in names - FOREIGN}
        asked |= metrics
        assert metrics or names & FOREIGN, text
        known = {label for metric in metrics for label in DEFINITIONS[metric].labels}
        by = {label for found in re.findall(r"by \(([^)]*)\)", text) for label in found.split(", ")}
        chosen = set(re.findall(r'(\w+)(?:!=|=~?)"', text))
        assert by | chosen <= known | {"le", "job", "severity", "alertstate"}, text

    assert len(asked) > 40


def test_a_counter_is_shown_as_a_rate_and_a_bound_is_a_bucket() -> None:
    found = expressions()
    counters = {m for m, d in DEFINITIONS.items() if d.kind is MetricKind.COUNTER}

    assert len(found) > 60
    for text in found:
        for metric in counters & {Metric(n) for n in re.findall(r"\bangel_x_\w+_total\b", text)}:
            assert re.search(rf"(rate|increase)\({metric}\b", text), text
        for name, bound in re.findall(r'(angel_x_\w+)_bucket\{le="([\d.]+)"', text):
            assert float(bound) in DEFINITIONS[Metric(name)].buckets, text


def test_an_alert_that_a_panel_names_exists() -> None:
    named = {
        word
        for name in NAMES
        for panel in panels(name)
        for word in re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", panel["description"])
    }

    assert len(named) > 15
    assert named - {"PostgreSQL"} <= {alert["alert"] for alert in ALERTS}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_every_expression_is_one_of_promql(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"

    def checked(found: list[str]) -> int:
        file.write_text(as_rules(found), encoding="utf-8")
        return subprocess.run([str(PROMTOOL), "check", "rules", file], check=False).returncode

    assert checked(expressions()) == 0
    assert checked(["sum(rate(angel_x_orders_accepted_total[1m])"]) != 0


def test_grafana_is_given_its_data_source_and_its_dashboards() -> None:
    provisioning = FOLDER / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())
    boards = yaml.safe_load((provisioning / "dashboards" / "angel-x.yaml").read_text())
    scraping = yaml.safe_load((compose.DEPLOY / "prometheus" / "prometheus.yml").read_text())
    grafana = compose.services()["grafana"]

    (source,) = sources["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]
    (provider,) = boards["providers"]
    mounts = [mount.split(":")[1] for mount in grafana["volumes"]]
    assert mounts == ["/etc/grafana/provisioning", provider["options"]["path"]]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).name in {f"{name}.json" for name in NAMES}
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
