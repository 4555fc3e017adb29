from __future__ import annotations

import numpy as np
import pytest

from angel_x.domain.expiry import years_to_expiry

YEAR = 365 * 86_400


@pytest.mark.parametrize(
    ("seconds_left", "years"),
    [(YEAR, 1.0), (60, 60 / YEAR), (1, 60 / YEAR), (0, 0.0), (-5, 0.0)],
)
def test_a_contract_has_at_least_a_minute_until_it_has_none(
    seconds_left: float, years: float
) -> None:
    expires_at = np.array([1_000.0 + seconds_left])

    assert years_to_expiry(expires_at, 1_000.0) == pytest.approx([years])
