"""What problems show of the caller's values."""

from __future__ import annotations

import pytest

from angel_x.entrypoints.api.problems import shown

LONGEST = 80


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        (65, "65"),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), "x" * LONGEST + "…"),
    ],
)
def test_a_value_is_shown_up_to_eighty_characters(value: object, text: str) -> None:
    assert shown(value) == text
