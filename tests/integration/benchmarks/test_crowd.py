"""Valid clients beside unwelcome ones, on a small scale."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.crowd.__main__ import KINDS, crowded


@pytest.mark.e2e
def test_the_rate_of_valid_clients_is_measured_beside_each_crowd() -> None:
    found: dict[str, Any] = crowded(80, 1, is_small=True)

    for kind in KINDS:
        row = found[kind.name]
        assert row["kept"] > 0
        (counts,) = row["crowds"]
        assert counts["connections"] >= kind.few
    (refused,) = found["bad-keys"]["crowds"]
    assert refused["401"] > 0
    assert set(refused) <= {"connections", "401", "429", "ended by the API"}
