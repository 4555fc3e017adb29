from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.values.runs import Bridge


@given(
    st.lists(st.booleans(), min_size=1, max_size=60), st.sets(st.integers(0, 59)), st.integers(0, 8)
)
def test_a_gap_is_closed_where_it_is_narrow_and_all_ours(
    ours: list[bool], asked: set[int], widest: int
) -> None:
    rows = sorted(row for row in asked if row < len(ours))
    expected = set(rows)
    for left, right in pairwise(rows):
        gap = range(left + 1, right)
        if len(gap) <= widest and all(ours[row] for row in gap):
            expected.update(gap)

    bridged = Bridge(np.array(ours), widest=widest).over(np.array(rows, np.int64))

    assert bridged.tolist() == sorted(expected)
