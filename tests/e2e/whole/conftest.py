from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.whole.instance import Instance, environment_of
from tests.plugins.servers import temporary_home


@pytest.fixture(scope="module")
def _instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    #: Variables that the file gives its system.
    given: dict[str, str] = getattr(request.module, "VARIABLES", {})
    with temporary_home() as home:
        instance = Instance(home, environment_of(home) | given)
        try:
            yield instance
        finally:
            instance.stop()


@pytest.fixture
def whole(_instance: Instance) -> Instance:
    """The one system of the file, started again if the test before has ended it."""
    _instance.start()
    return _instance
