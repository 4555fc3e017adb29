"""Unit tests need no server."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def servers() -> None:
    """Refuse every fixture that would start a server."""
    pytest.fail("a unit test needs no server: move it to tests/integration", pytrace=False)
