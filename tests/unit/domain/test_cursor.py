from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain import cursor
from angel_x.errors import InvalidCursor


@given(st.integers(1, 2**63 - 1))
def test_a_cursor_comes_back_as_it_went(before_id: int) -> None:
    assert cursor.decode(cursor.encode(before_id)) == before_id


@given(st.text(max_size=100))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor) as refusal:
        cursor.decode(text)

    assert refusal.value.field == "cursor"


@pytest.mark.parametrize("before_id", [0, -1, 2**63, 10**30])
def test_a_cursor_to_an_id_that_no_order_has_is_refused(before_id: int) -> None:
    with pytest.raises(InvalidCursor):
        cursor.decode(cursor.encode(before_id))
