"""Calls and puts as callers write them: booleans of any kind, 1 and 0, ``c`` and ``p``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_WORDS = {
    **dict.fromkeys(("c", "call", "ce", "true", "1", "1.0"), 1),
    **dict.fromkeys(("p", "put", "pe", "false", "0", "0.0"), 0),
}


def read_flags(is_call: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each contract is a call.

    Raises:
        TypeError: A value is none of them: -1 for a put, NaN or a missing value would count as true.
    """
    given = np.asarray(is_call)
    if given.dtype == np.bool_:
        return given
    codes = _codes(given)
    if not np.all(codes >= 0):
        wrong = given[codes < 0].ravel()[0] if given.shape else given[()]
        raise TypeError(f"is_call must be booleans, 1 and 0, or 'c' and 'p', was {wrong}")
    flags: NDArray[np.bool_] = codes == 1
    return flags


def _codes(given: NDArray[np.generic]) -> NDArray[np.int8]:
    """Return 1 for a call, 0 for a put, and -1 for anything else."""
    if given.dtype.kind in "iuf":
        return np.where((given == 1) | (given == 0), given == 1, -1).astype(np.int8)
    named = [_code(value) for value in given.ravel().tolist()]
    return np.array(named, np.int8).reshape(given.shape)


def _code(value: object) -> int:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return _WORDS.get(text.lower(), -1)
