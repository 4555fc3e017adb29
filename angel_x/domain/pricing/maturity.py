"""Terms that depend only on time to expiry and rates, computed once per run of equal rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from angel_x.domain.pricing.contracts import Contracts, Floats

# Chains come sorted by expiry.  Below this many rows per run, repeating would cost more than it saves.
_WORTHWHILE_RUN = 4


class Maturity(NamedTuple):
    root_years: Floats
    #: exp(-rate * years)
    discount: Floats
    #: exp(-dividend_yield * years)
    carry_discount: Floats
    #: (rate - dividend_yield) * years, the logarithm of forward over spot.
    drift: Floats

    @classmethod
    def of(cls, contracts: Contracts) -> Maturity:
        """Return the terms of each row; NaN where the years are negative."""
        columns = (contracts.years, contracts.rate, contracts.dividend_yield)
        starts = _run_starts(columns)
        count = columns[0].size
        if starts.size * _WORTHWHILE_RUN > count:
            return cls._compute(*columns)
        lengths = np.append(starts[1:], count) - starts
        terms = cls._compute(*(column[starts] for column in columns))
        return cls(*(np.repeat(term, lengths) for term in terms))

    @classmethod
    def _compute(cls, years: Floats, rate: Floats, dividend_yield: Floats) -> Maturity:
        return cls(
            np.sqrt(years),
            np.exp(-rate * years),
            np.exp(-dividend_yield * years),
            (rate - dividend_yield) * years,
        )


def _run_starts(columns: tuple[Floats, ...]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the first row of every run in which no column changes."""
    changed = np.ones(columns[0].size, np.bool_)
    if changed.size > 1:
        changed[1:] = False
        for column in columns:
            if column.strides != (0,):
                changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)
