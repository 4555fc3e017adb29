from __future__ import annotations

from pathlib import Path

from angel_x.adapters.metrics.slots import living, take_slot


def test_living_processes_are_counted_by_role_on_all_nodes(tmp_path: Path) -> None:
    slots = [
        take_slot(tmp_path, node, role)
        for node, role in [
            ("a-host_1", "orders"),
            ("a-host_1", "orders"),
            ("b", "orders"),
            ("b", "relay"),
            ("b", "orders-1"),
        ]
    ]
    assert living(tmp_path) == {"orders": 4, "relay": 1}

    slots[0].release()
    slots[3].release()

    assert living(tmp_path) == {"orders": 3}
    assert take_slot(tmp_path, "a-host_1", "orders").name == slots[0].name


def test_no_directory_is_no_process(tmp_path: Path) -> None:
    assert living(tmp_path / "none") == {}
