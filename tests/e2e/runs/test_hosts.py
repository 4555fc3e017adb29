"""Order workers on two hosts: one is cut off and comes back, one is lost, and no order is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.hosts.network import refusal
from tests.e2e.processes import ROOT

pytestmark = pytest.mark.e2e

#: Seconds that the whole run may take on a machine that does a lot besides.
PATIENCE = 1_800


def test_a_lost_host_and_a_healed_split_lose_no_order(tmp_path: Path) -> None:
    if reason := refusal():
        pytest.skip(reason)
    file = tmp_path / "hosts.json"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.hosts", "--quick", "--json", str(file)],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["proof"] | {"sent": 0} == {
        "sent": 0, "lost": 0, "undecided": 0, "traded_twice": 0, "invariants_broken": [],
    }  # fmt: skip
    assert {load["hosts"] for load in found["loads"]} == {1, 2}
    assert all(load["measured_ms"] > load["round_trip_ms"] for load in found["loads"])
    assert len(found["faults"]) == 2
    assert not list(Path("/run/netns").glob(f"angel-x-{os.getpid()}-*"))
