from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "fixture", ["servers", "databases", "migrated_url", "redis_urls", "cache", "application"]
)
def test_a_unit_test_that_asks_for_a_server_fails(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match="a unit test needs no server"):
        request.getfixturevalue(fixture)
