from __future__ import annotations

import os

import pytest

from angel_x.adapters.slowness import slowness


@pytest.mark.parametrize(("load", "found"), [(0.2, 1.0), (4.0, 1.0), (30.0, 7.5)])
def test_slowness_is_the_load_of_a_processor_and_at_least_one(
    monkeypatch: pytest.MonkeyPatch, load: float, found: float
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 99.0, 99.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)

    assert slowness() == found
