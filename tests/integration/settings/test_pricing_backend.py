"""Who does the arithmetic of pricing."""

from __future__ import annotations

import pytest

from tests.integration.settings.conftest import Build


@pytest.mark.parametrize(
    ("backend", "name"), [("numpy", "numpy"), ("numba", "numba"), ("auto", "numba")]
)
def test_pricing_backend_decides_who_does_the_arithmetic(
    built: Build, backend: str, name: str
) -> None:
    assert built(PRICING_BACKEND=backend).analytics.greeks.kernels().name == name
