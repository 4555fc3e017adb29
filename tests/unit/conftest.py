"""Unit tests need no server."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@pytest.fixture(scope="session")
def servers() -> None:
    """Refuse every fixture that would start a server."""
    pytest.fail("a unit test needs no server: move it to tests/integration", pytrace=False)


@contextmanager
def _full_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def full_disk() -> AbstractContextManager[None]:
    """Return a block in which no file of this process grows: neither does the report of the tests."""
    return _full_disk()
