"""The contracts of one pricing call as arrays of one length, and the broadcasting of arguments."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from angel_x.domain.pricing.flags import read_flags

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Shape: TypeAlias = tuple[int, ...]
_Scalar = TypeVar("_Scalar", np.float64, np.bool_)

#: Rows valued in one pass: long enough to hide the cost of a numpy call, short enough for the scratch to stay in cache.
#: Not a power of two, or every row of scratch would compete for the same lines of it.
BLOCK = 20_000


class Contracts(NamedTuple):
    """One-dimensional arrays of one length; an array of stride zero stands for a scalar."""

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    is_call: Flags
    #: The known one of volatility and price.
    given: Floats

    def rows(self, chosen: slice | NDArray[np.intp]) -> Contracts:
        return Contracts(
            self.spot[chosen],
            self.strike[chosen],
            self.years[chosen],
            self.rate[chosen],
            self.dividend_yield[chosen],
            self.is_call[chosen],
            self.given[chosen],
        )

    def priceable(self) -> Flags:
        """Return where every input except ``given`` is valid for the model."""
        finite = np.isfinite(self.years) & np.isfinite(self.rate) & np.isfinite(self.dividend_yield)
        return positive(self.spot) & positive(self.strike) & finite


def broadcast(numbers: tuple[ArrayLike, ...], is_call: ArrayLike) -> tuple[Contracts, Shape]:
    """Return the flattened contracts of a caller's arguments, and their common shape.

    ``numbers`` are spot, strike, years, rate, dividend yield, and volatility or price.

    Raises:
        TypeError: ``is_call`` says neither call nor put.
    """
    flags = read_flags(is_call)
    columns = [np.asarray(number, dtype=np.float64) for number in numbers]
    shape = np.broadcast_shapes(flags.shape, *(column.shape for column in columns))
    spot, strike, years, rate, dividend_yield, given = (_flat(column, shape) for column in columns)
    contracts = Contracts(spot, strike, years, rate, dividend_yield, _flat(flags, shape), given)
    return contracts, shape


def _flat(column: NDArray[_Scalar], shape: Shape) -> NDArray[_Scalar]:
    """Return ``column`` broadcast to ``shape`` in one dimension, without a copy where it has the shape."""
    wide = column if column.shape == shape else np.broadcast_to(column, shape)
    return wide.reshape(-1)


def positive(values: Floats) -> Flags:
    """Return where ``values`` are finite and above zero."""
    return (values > 0.0) & (values < np.inf)
