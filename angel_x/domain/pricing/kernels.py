"""The pricing back ends: numpy, which is always installed, or loops compiled by numba."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, Protocol, TypeAlias, cast

from angel_x.domain.pricing.black_scholes import price_contracts, value_contracts
from angel_x.domain.pricing.contracts import Contracts, Floats
from angel_x.domain.pricing.implied_vol import solve_contracts
from angel_x.domain.pricing.iv_status import Statuses
from angel_x.errors import PricingBackendMissing

Backend: TypeAlias = Literal["auto", "numpy", "numba"]

#: The package whose import imports numba and compiles.
COMPILED = "angel_x.domain.pricing.compiled"


class Kernels(Protocol):
    """Prices, Greeks and implied volatilities of many contracts, written to arrays of the caller.

    All implementations agree to 16 units of rounding, row by row, and on every status.
    """

    name: str

    def value(self, contracts: Contracts, out: Floats) -> None:
        """Write Greeks in the order of ``OUTPUTS`` to ``out`` of shape ``(6, n)`` or ``(10, n)``."""

    def price(self, contracts: Contracts, out: Floats) -> None:
        """Write prices to ``out`` of shape ``(n,)``."""

    def solve(self, contracts: Contracts, sigma: Floats, status: Statuses) -> None:
        """Write the volatilities implied by the prices ``given``, NaN where there is none, and statuses."""


class _NumpyKernels:
    """The kernels of the numpy back end."""

    name = "numpy"

    def value(self, contracts: Contracts, out: Floats) -> None:
        value_contracts(contracts, out)

    def price(self, contracts: Contracts, out: Floats) -> None:
        price_contracts(contracts, out)

    def solve(self, contracts: Contracts, sigma: Floats, status: Statuses) -> None:
        solve_contracts(contracts, sigma, status)


NUMPY: Kernels = _NumpyKernels()


def chosen(name: Backend) -> Kernels:
    """Return the kernels of a back end; ``auto`` is numba where it can be imported, else numpy.

    The first call that chooses numba imports it and compiles, which takes seconds and megabytes.

    Raises:
        PricingBackendMissing: ``numba`` was requested and cannot be imported.
    """
    if name == "numpy":
        return NUMPY
    try:
        import_module("numba")
    except ImportError as error:
        if name == "auto":
            return NUMPY
        raise PricingBackendMissing(name, str(error)) from error
    return cast(Kernels, import_module(COMPILED).KERNELS)


def is_recompiled(kernels: Kernels) -> bool:
    """Return whether every process compiles these kernels again because no cache directory is writable."""
    return not getattr(kernels, "is_cached", True)
