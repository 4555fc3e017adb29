"""No step without a death: the registry, the code and the tests that die name the same steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from angel_x.domain.orders.step import Step
from tests.faults import (
    test_alert_death,
    test_api_death,
    test_beat_death,
    test_relay_death,
    test_settlement_death,
    test_square_off_death,
    test_venue_death,
    test_worker_death,
)

ROOT = Path(__file__).parents[2]
REGISTRY = ROOT / "angel_x" / "domain" / "orders" / "step.py"
DYING = (
    test_alert_death,
    test_api_death,
    test_beat_death,
    test_relay_death,
    test_settlement_death,
    test_square_off_death,
    test_venue_death,
    test_worker_death,
)


def passed_in_code() -> set[str]:
    """Return the names of the members that our code passes."""
    files = (
        f for room in ("angel_x", "tasks", "beat_schedule") for f in (ROOT / room).rglob("*.py")
    )
    texts = (f.read_text(encoding="utf-8") for f in files if f != REGISTRY)
    return {name for text in texts for name in re.findall(r"\bStep\.([A-Z_]+)\b", text)}


@pytest.mark.parametrize("step", Step)
def test_a_process_dies_at_every_step(step: Step) -> None:
    dying = [module.__name__ for module in DYING if step in module.STEPS]

    assert len(dying) == 1, "name it in the STEPS of one test module, and die there"


def test_every_step_is_passed_somewhere() -> None:
    assert passed_in_code() == {step.name for step in Step}
