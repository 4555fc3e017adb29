from __future__ import annotations

import pytest

from angel_x.entrypoints.presentation.byte_sizes import in_bytes


@pytest.mark.parametrize(
    ("size", "written"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (5000 * 1024**3, "5,000.0 GiB"),
    ],
)
def test_a_size_is_written_in_the_largest_unit_of_which_it_has_one(size: int, written: str) -> None:
    assert in_bytes(size) == written
