"""A process that is alone in its pod serves its counts itself."""

from __future__ import annotations

import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest

from angel_x.adapters.metrics import metrics_directory, slots
from angel_x.entrypoints import own_metrics
from angel_x.entrypoints.up.addresses import free_ports
from config.loading import load
from config.settings import Settings
from tests.e2e.processes import eventually

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def settings(home: Path, monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    (port,) = free_ports("127.0.0.1", 1)
    environ = {"ANGEL_X_HOME": str(home), "ANGEL_X_OWN_METRICS_PORT": str(port), **given}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load(environ)


def page(found: Settings, **headers: str) -> str | None:
    url = f"http://127.0.0.1:{found.own_metrics_port}/metrics"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return str(answer.read(), "utf-8")
    except OSError:
        return None


def test_a_process_with_own_metrics_port_serves_its_own_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings(tmp_path, monkeypatch)
    slot = slots.take_slot(metrics_directory(tmp_path), "pod", "greeks")

    started = own_metrics.start(found)

    assert started is not None
    try:
        shown = eventually(lambda: page(found), "the page answers")
        assert 'angel_x_processes{role="greeks"} 1.0' in shown
        # A role of another pod is not missing here.
        assert 'role="api"' not in shown
        assert f'angel_x_build_info{{version="{version("angel-x")}"}} 1.0' in shown
        as_openmetrics = page(found, Accept=OPENMETRICS)
        assert as_openmetrics is not None
        assert as_openmetrics.endswith("# EOF\n")
    finally:
        started.terminate()
        assert started.wait(60) == 0
        slot.release()


@pytest.mark.parametrize("name", ["OWN_METRICS_PORT", "METRICS_ENABLED", "PROMETHEUS_ENABLED"])
def test_there_is_no_page_where_a_setting_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    found = settings(tmp_path, monkeypatch, **{f"ANGEL_X_{name}": "0"})

    assert own_metrics.start(found) is None
