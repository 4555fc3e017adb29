"""How long emergency orders waited while faults of a kind went on."""

from __future__ import annotations

import numpy as np

from angel_x.rehearsal.chaos.fault import InjectedFault
from angel_x.rehearsal.chaos.waits import Waits, waits_by_kind

BEGAN = 1000.0


def fault(kind: str, at: float, seconds: float, *, is_verified: bool = True) -> InjectedFault:
    return InjectedFault(
        kind=kind, target="t", at=at, seconds=seconds, is_verified=is_verified, evidence=""
    )


def orders(*waits: tuple[float, float]) -> np.ndarray:
    """Return acceptances and decisions, in seconds after the start."""
    return np.array([(BEGAN + a, BEGAN + d) for a, d in waits], np.float64)


def test_an_order_counts_for_each_kind_of_fault_that_it_met() -> None:
    faults = [fault("a", 10, 5), fault("b", 12, 1), fault("a", 40, 1)]

    found = waits_by_kind(
        faults, BEGAN, orders((1, 9.5), (9, 10.5), (12.5, 12.75), (14, 14.5), (40, 44), (50, 51))
    )

    assert found == {
        "a": Waits(4, 1.0, 3.925, 4.0),
        "b": Waits(1, 0.25, 0.25, 0.25),
    }


def test_a_fault_without_proof_and_a_kind_without_orders_are_left_out() -> None:
    faults = [fault("unproven", 0, 100, is_verified=False), fault("unmet", 60, 1)]

    assert waits_by_kind(faults, BEGAN, orders((1, 2))) == {}
    assert waits_by_kind(faults, BEGAN, orders().reshape(-1, 2)) == {}
