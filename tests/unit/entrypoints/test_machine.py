"""The links and the finite numbers of a look at the machine."""

from __future__ import annotations

from pathlib import Path

from angel_x.entrypoints import machine
from config.loading import load


def test_grafana_is_linked_where_grafana_url_names_it(tmp_path: Path) -> None:
    given = {"ANGEL_X_HOME": str(tmp_path)}

    linked = machine.links(load(given | {"ANGEL_X_GRAFANA_URL": "https://boards.example"}))

    assert linked == {
        "Flower": "http://127.0.0.1:5555",
        "API documentation": "http://127.0.0.1:8000/docs",
        "Grafana": "https://boards.example",
    }
    assert "Grafana" not in machine.links(load(given))
