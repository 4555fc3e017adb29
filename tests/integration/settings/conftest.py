"""Applications and APIs on the same servers that differ in a setting or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from angel_x.bootstrap import Application, build
from config.loading import load
from config.settings import Settings
from tests.integration.api.running import RunningApi, running

#: Settings by their names in capitals, without the prefix.
Settle = Callable[..., Settings]
#: The role of the process, then settings.
Build = Callable[..., Application]
StartApi = Callable[..., RunningApi]


@pytest.fixture
def settle(environ: dict[str, str]) -> Settle:
    """Read settings that differ from those of testing."""

    def settled(**changes: object) -> Settings:
        given = {f"ANGEL_X_{name}": str(value) for name, value in changes.items()}
        # The files of metrics belong to a process, and many applications share this one.
        return load({**environ, "ANGEL_X_METRICS_ENABLED": "false", **given})

    return settled


@pytest.fixture
def built(settle: Settle) -> Iterator[Build]:
    """Build applications; one with the role of the relay sends its messages at once."""
    with ExitStack() as stack:

        def make(role: str = "relay", **changes: object) -> Application:
            return stack.enter_context(closing(build(settle(**changes), role=role)))

        yield make


@pytest.fixture
def start_api(settle: Settle) -> Iterator[StartApi]:
    """Start APIs."""
    with ExitStack() as stack:

        def start(**changes: object) -> RunningApi:
            return stack.enter_context(running(settle(**changes)))

        yield start
