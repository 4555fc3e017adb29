from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.records import cursor
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


@pytest.mark.parametrize(
    ("before_id", "text"),
    [
        # Of every length that base64 pads.
        (1, "YmVmb3JlOjE"),
        (12, "YmVmb3JlOjEy"),
        (123, "YmVmb3JlOjEyMw"),
        (2**63 - 1, "YmVmb3JlOjkyMjMzNzIwMzY4NTQ3NzU4MDc"),
    ],
)
def test_a_cursor_is_the_same_text_in_every_release(before_id: int, text: str) -> None:
    assert cursor.encode(before_id) == text
    assert cursor.decode(text) == before_id


@pytest.mark.parametrize(("length", "shown"), [(80, 80), (81, 80), (5_000, 80)])
def test_a_refused_cursor_is_shown_up_to_eighty_characters(length: int, shown: int) -> None:
    with pytest.raises(InvalidCursor) as refusal:
        cursor.decode("x" * length)

    assert refusal.value.value == "x" * shown


def test_a_text_longer_than_any_cursor_is_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def decode(text: bytes) -> bytes:
        decoded.append(text)
        return b"no"

    monkeypatch.setattr(cursor, "urlsafe_b64decode", decode)

    for length in (200, 201):
        with pytest.raises(InvalidCursor):
            cursor.decode("x" * length)

    assert decoded == [b"x" * 200]
