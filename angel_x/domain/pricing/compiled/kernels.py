"""The compiled loops as kernels; numpy computes the rows that they leave out."""

from __future__ import annotations

from typing import Literal

import numpy as np

from angel_x.domain.pricing.compiled import loops
from angel_x.domain.pricing.contracts import Contracts, Floats
from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.domain.pricing.iv_status import IvStatus, Statuses, diagnose
from angel_x.domain.pricing.limits import write_limits

_PLAIN: tuple[Literal["C", "A", "W"], ...] = ("C", "A", "W")


class CompiledKernels:
    """The kernels that numba compiles: one thread, without the interpreter's lock."""

    name = "numba"

    @property
    def is_cached(self) -> bool:
        return loops.IS_CACHED

    def value(self, contracts: Contracts, out: Floats) -> None:
        _value(_plain(contracts), out)

    def price(self, contracts: Contracts, out: Floats) -> None:
        _value(_plain(contracts), out[np.newaxis])

    def solve(self, contracts: Contracts, sigma: Floats, status: Statuses) -> None:
        self._solve(contracts, sigma, status, is_warm=False)

    def follow(self, contracts: Contracts, sigma: Floats, status: Statuses) -> None:
        """Update former volatilities in ``sigma`` to the present prices, to nine digits.

        The last digits depend on the former volatility; results that must be reproducible use :meth:`solve`.
        """
        self._solve(contracts, sigma, status, is_warm=True)

    def _solve(
        self, contracts: Contracts, sigma: Floats, status: Statuses, *, is_warm: bool
    ) -> None:
        plain = _plain(contracts)
        solved = np.ascontiguousarray(sigma)
        loops.solve(plain, solved, is_warm)
        if solved is not sigma:
            np.copyto(sigma, solved)
        status.fill(IvStatus.OK)
        unsolved = np.flatnonzero(np.isnan(solved))
        if unsolved.size:
            with np.errstate(all="ignore"):
                status[unsolved] = diagnose(plain.rows(unsolved))


KERNELS = CompiledKernels()


def _plain(contracts: Contracts) -> Contracts:
    """Return contiguous, writable columns for the loops; other columns are copied."""
    numbers = (
        contracts.spot,
        contracts.strike,
        contracts.years,
        contracts.rate,
        contracts.dividend_yield,
    )
    spot, strike, years, rate, dividend_yield = (
        np.require(n, requirements=_PLAIN) for n in numbers
    )
    is_call = np.require(contracts.is_call, requirements=_PLAIN)
    given = np.require(contracts.given, requirements=_PLAIN)
    return Contracts(spot, strike, years, rate, dividend_yield, is_call, given)


def _value(contracts: Contracts, out: Floats) -> None:
    """Write as many Greeks as ``out`` has rows."""
    written = out if out.strides[-1] == out.itemsize else np.empty(out.shape)
    # The loops take an array for every output and write the first ``len(written)`` only.
    columns = (*written, *[written[0]] * (len(OUTPUTS) - len(written)))
    odd_rows = np.empty(contracts.spot.size, np.int64)
    found = loops.value(contracts, columns, len(written), odd_rows)
    if found:
        _write_odd(contracts, written, odd_rows[:found])
    if written is not out:
        np.copyto(out, written)


def _write_odd(
    contracts: Contracts, out: Floats, rows: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> None:
    odd = contracts.rows(rows)
    values = out[:, rows]
    with np.errstate(all="ignore"):
        write_limits(odd, np.sqrt(odd.years), values)
    out[:, rows] = values
