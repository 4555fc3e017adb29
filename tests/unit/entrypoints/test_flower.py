"""Addresses and options of Flower."""

from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.entrypoints import flower
from config.loading import load

PASSWORD = {"ANGEL_X_FLOWER_PASSWORD": "correct horse battery"}


def test_flower_url_is_where_the_pages_of_workers_are(tmp_path: Path) -> None:
    settings = load(
        {"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_FLOWER_URL": "https://flower.example/ops"}
    )

    assert (
        flower.worker_page(settings, "orders@first host")
        == "https://flower.example/ops/worker/orders%40first%20host"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_without_one_the_pages_are_those_of_this_machine(tmp_path: Path, host: str) -> None:
    settings = load(
        {
            "ANGEL_X_HOME": str(tmp_path),
            "ANGEL_X_API_HOST": host,
            "ANGEL_X_FLOWER_PORT": "7001",
        }
    )

    assert flower.worker_page(settings, "greeks@a") == "http://127.0.0.1:7001/worker/greeks%40a"


def test_flower_keeps_its_tasks_in_the_home_and_knows_a_bounded_number(tmp_path: Path) -> None:
    options = flower.environment(load({"ANGEL_X_HOME": str(tmp_path), **PASSWORD}), {})

    assert options["FLOWER_PERSISTENT"] == "true"
    assert Path(options["FLOWER_DB"]).parent == tmp_path
    assert int(options["FLOWER_MAX_TASKS"]) <= 10_000
