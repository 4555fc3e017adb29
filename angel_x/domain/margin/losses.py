"""Losses by scenario, packed into one whole number.

A packed number has a field of 128 bits for each scenario.  Sums of packed numbers, and their multiples by
units, are those of every field at once, in one operation and exactly.  A negative field borrows from the
next one; an offset takes that back when fields are read.  No field leaves its bits: losses of a unit are
below 2**40 steps (``span_margin``), so it would take 2**87 units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, Self

import numpy as np

from angel_x.domain.margin.risk_arrays import DELTA_ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCENARIO_COUNT = DELTA_ROW
_BYTES = 16
_BITS = 8 * _BYTES
_SIZE = SCENARIO_COUNT * _BYTES
_FIELDS = Struct(f"{_BYTES}s" * SCENARIO_COUNT)


def _packed(by_scenario: Iterable[int]) -> int:
    return sum(loss << (_BITS * place) for place, loss in enumerate(by_scenario))


_HALF = 1 << (_BITS - 1)
_HALVES = _packed([_HALF] * SCENARIO_COUNT)
#: The same for numbers of 64 bits.
_SHORT_HALF = 1 << 63
_SHORT_HALVES = _packed([_SHORT_HALF] * SCENARIO_COUNT)


class Losses(tuple[int, ...]):
    """The loss of one unit long in each scenario, in steps."""

    packed: int

    def __new__(cls, by_scenario: Iterable[int], packed: int | None = None) -> Self:
        """Take the losses in the order of the scenarios; ``packed`` is computed where it is None."""
        made = super().__new__(cls, by_scenario)
        made.packed = _packed(made) if packed is None else packed
        return made

    @cached_property
    def up(self) -> int:
        """The positive losses, packed, zero in all other scenarios."""
        return _packed(max(loss, 0) for loss in self)

    @property
    def down(self) -> int:
        """The gains, packed, zero in all other scenarios."""
        return self.up - self.packed


def largest(packed: int) -> int:
    """Return the largest field of a packed number."""
    fields = _FIELDS.unpack((packed + _HALVES).to_bytes(_SIZE, "big"))
    return int.from_bytes(max(fields), "big") - _HALF


def losses_by_contract(steps: NDArray[np.int64]) -> Sequence[Losses]:
    """Return the columns of an array of shape (scenarios, contracts)."""
    by_contract = steps.T
    fields = np.zeros((*by_contract.shape, 2), "<u8")
    fields[..., 0] = by_contract.astype(np.uint64) + np.uint64(_SHORT_HALF)
    content = fields.tobytes()
    return [
        Losses(row, int.from_bytes(content[start : start + _SIZE], "little") - _SHORT_HALVES)
        for row, start in zip(by_contract.tolist(), range(0, len(content), _SIZE), strict=True)
    ]


NO_LOSSES = Losses([0] * SCENARIO_COUNT)
