"""Every test of pricing runs with either back end, and one that is missing is a failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from angel_x import pricing
from angel_x.domain.pricing.kernels import Backend, Kernels, chosen

BACKENDS: tuple[Backend, ...] = ("numpy", "numba")


@pytest.fixture(scope="module", params=BACKENDS, autouse=True)
def kernels(request: pytest.FixtureRequest) -> Iterator[Kernels]:
    """What the functions of :mod:`angel_x.pricing` are computed by."""
    found = chosen(request.param)
    assert found.name == request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "_kernels", lambda: found)
        yield found
