from __future__ import annotations

import numpy as np
import pytest

from angel_x.domain.pricing.greek import GREEK_FIELDS, GREEK_NAMES, GreekField
from angel_x.domain.pricing.greek_columns import absent, to_edge_units, with_futures


def test_the_order_of_the_fields_is_what_readers_of_the_cache_rely_on() -> None:
    assert GREEK_FIELDS == (
        "implied_vol",
        "price",
        "delta",
        "gamma",
        "vega",
        "theta",
        "rho",
        "vanna",
        "volga",
        "charm",
        "speed",
        "forward",
        "forward_source",
        "status",
    )


def test_volatility_leaves_in_points_time_in_days_and_the_rate_in_percent() -> None:
    edge = to_edge_units(np.full((14, 2), 365.0))

    assert edge.dtype == np.float32
    assert edge[:, 1].tolist() == pytest.approx(
        [365, 365, 365, 365, 3.65, 1.0, 3.65, 3.65, 0.0365, 1.0, 365, 365, 365, 365], rel=1e-7
    )


def test_what_is_absent_is_no_number_in_any_field() -> None:
    assert absent(3).shape == (14, 3)
    assert np.isnan(absent(3)).all()


def test_a_quoted_future_has_a_delta_of_one_and_no_other_greek() -> None:
    is_future = np.array([False, True, True])

    columns, times = with_futures(
        absent(3), np.array([5, 0, 0], np.int64), np.array([8, 9, 0], np.int64), is_future
    )

    filled = {name for name, row in zip(GREEK_FIELDS, columns, strict=True) if row[1] == row[1]}
    assert columns[GreekField.DELTA, 1] == 1.0
    assert columns[GreekField.STATUS, 1] == columns[GreekField.GAMMA, 1] == 0.0
    assert filled == {*GREEK_NAMES, "status"}
    assert np.isnan(columns[:, [0, 2]]).all()
    assert times.tolist() == [5, 9, 0]
