from __future__ import annotations

from angel_x.domain.operations.memory_report import MemoryReport
from deploy.probes.alive import refusal

NOW = 1_000_000.0


def reports(**seconds_ago: float) -> dict[str, MemoryReport]:
    """Return reports by role: ``orders_0`` of ``here``, ``elsewhere__beat`` of another node."""
    found = {}
    for key, ago in seconds_ago.items():
        node, _, role = key.rpartition("__")
        name = f"{node or 'here'}/{role.replace('_', '-')}"
        found[name] = MemoryReport(name, 1, 50.0, 50.0, NOW - ago)
    return found


def test_a_process_that_reported_just_now_lives() -> None:
    assert refusal("relay", "here", reports(relay=5), NOW) is None
    assert refusal("orders", "here", reports(orders_3=100), NOW) is None


def test_a_process_that_has_fallen_silent_is_dead() -> None:
    found = refusal("relay", "here", reports(relay=61), NOW)

    assert found == "here/relay must have reported within 60 s, did so 61 s ago"


def test_one_child_that_reports_is_enough() -> None:
    assert refusal("orders", "here", reports(orders=900, orders_0=10, monitor_0=1), NOW) is None


def test_a_worker_that_the_monitor_does_not_find_is_dead() -> None:
    found = refusal("orders", "here", reports(monitor_0=5), NOW)

    assert found == "here/orders must have reported within 180 s, did so never"


def test_an_idle_worker_is_not_dead_because_nobody_asks() -> None:
    assert refusal("orders", "here", reports(orders=900, monitor_0=900), NOW) is None
    assert refusal("orders", "here", {}, NOW) is None
    assert refusal("monitor", "here", reports(monitor_0=900, beat=900), NOW) is None


def test_a_monitor_that_beat_cannot_wake_is_dead() -> None:
    assert refusal("monitor", "here", reports(monitor_0=900, elsewhere__beat=2), NOW) is not None


def test_a_namesake_on_another_node_proves_nothing() -> None:
    assert refusal("relay", "here", reports(elsewhere__relay=1), NOW) is not None
    assert refusal("relay", "here", reports(relay_canary=1), NOW) is not None
