from __future__ import annotations

import time
from dataclasses import replace

import pytest

from angel_x.rehearsal.chaos.environment import Unverified
from tests.unit.rehearsal.chaos.test_schedule import environment


def test_a_wait_is_as_long_as_the_machine_is_slow() -> None:
    slow = replace(environment(), patience=lambda seconds: 1000 * seconds)
    began = time.monotonic()

    assert slow.within(0.06, lambda: time.monotonic() > began + 0.2)
    assert not environment().within(0.06, lambda: False)


def test_a_program_that_does_not_run_leaves_its_fault_unverified() -> None:
    gone = replace(environment(), patience=lambda _: 0.0)

    with pytest.raises(Unverified, match="relay does not run"):
        gone.pid("relay")
