from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest

from angel_x.adapters.heartbeat import heartbeat_file
from angel_x.domain.operations.memory_report import MemoryReport
from deploy.probes import alive, consuming

NOW = 1_000_000.0


def reports(**seconds_ago: float) -> dict[str, MemoryReport]:
    """Return reports by role of the node ``here``, or as ``elsewhere__beat`` of another."""
    found = {}
    for key, ago in seconds_ago.items():
        node, _, role = key.rpartition("__")
        name = f"{node or 'here'}/{role.replace('_', '-')}"
        found[name] = MemoryReport(name, 1, 50.0, 50.0, NOW - ago)
    return found


def test_a_process_that_reported_just_now_lives() -> None:
    assert alive.refusal("relay", "here", reports(relay=5), NOW) is None


def test_a_process_that_has_fallen_silent_is_dead() -> None:
    found = alive.refusal("relay", "here", reports(relay=61), NOW)

    assert found == "here/relay must have reported within 60 s, did so 61 s ago"


def test_a_namesake_on_another_node_proves_nothing() -> None:
    assert alive.refusal("relay", "here", reports(elsewhere__relay=1), NOW) is not None
    assert alive.refusal("relay", "here", reports(relay_canary=1), NOW) is not None


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Addresses at which no server is."""
    return {
        "ANGEL_X_HOME": str(tmp_path),
        "ANGEL_X_BROKER_URL": f"unix://{tmp_path}/none.sock",
        "ANGEL_X_DATABASE_URL": f"postgresql:///none?host={tmp_path}",
    }


def beat(home: Path, seconds_ago: float) -> None:
    file = heartbeat_file(str(home), "here", "orders")
    file.parent.mkdir()
    file.write_text(f"{monotonic() - seconds_ago:020.3f}\n")


def test_a_worker_that_asks_for_messages_lives(environ: dict[str, str], tmp_path: Path) -> None:
    beat(tmp_path, 20)

    assert consuming.refusal("orders", environ, "here") is None


def test_a_worker_without_a_heartbeat_is_left_alone(environ: dict[str, str]) -> None:
    assert consuming.refusal("orders", environ, "here") is None


def test_a_heartbeat_from_before_the_machine_started_says_nothing(
    environ: dict[str, str], tmp_path: Path
) -> None:
    beat(tmp_path, -3600)

    assert consuming.refusal("orders", environ, "here") is None


def test_a_silent_worker_is_not_dead_while_the_broker_is_away(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beat(tmp_path, 3600)

    assert consuming.refusal("orders", environ, "here") is None
    assert "the message broker does not answer" in capsys.readouterr().out


def test_the_address_of_the_broker_may_be_in_a_file(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beat(tmp_path, 3600)
    (tmp_path / "url").write_text("sentinel://somewhere\n")

    consuming.refusal(
        "orders", {**environ, "ANGEL_X_BROKER_URL_FILE": str(tmp_path / "url")}, "here"
    )

    assert "sentinel://" in capsys.readouterr().out
