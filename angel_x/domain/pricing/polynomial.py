"""Polynomials evaluated in place on arrays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.floating[Any]]
Coefficients: TypeAlias = tuple[Numbers, ...]


def coefficients(*values: float, dtype: type[np.floating[Any]] = np.float64) -> Coefficients:
    """Return ``values``, lowest power first, as arrays: a Python float doubles the cost of each call."""
    return tuple(np.array(value, dtype) for value in values)


def evaluate_polynomial(polynomial: Coefficients, argument: Numbers, out: Numbers) -> None:
    """Write ``polynomial`` of ``argument`` to ``out`` by Horner's rule."""
    np.multiply(argument, polynomial[-1], out)
    for coefficient in polynomial[-2:0:-1]:
        np.add(out, coefficient, out)
        np.multiply(out, argument, out)
    np.add(out, polynomial[0], out)
