from __future__ import annotations

import resource

import msgspec
import pytest

from angel_x.entrypoints.api.http_bounds import HttpBounds
from config.loading import defaults

SETTINGS = msgspec.structs.replace(
    defaults("testing"), db_max_pool_size=10, redis_pool_size=10, api_max_connections=500
)
#: 128 of its own, and those of the pools.
OWN = 158


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "connections"),
    [
        (2000, 4000, None, 500),
        (100, 4000, 500 + OWN, 500),
        (100, resource.RLIM_INFINITY, 500 + OWN, 500),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, 500),
        (100, 400, 400, 400 - OWN),
        (100, 200, 200, 100),
    ],
)
def test_there_are_no_more_connections_than_files_for_them(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int | None, connections: int
) -> None:
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: made.append(limits))

    bounds = HttpBounds.of(SETTINGS)

    assert bounds.connections == connections
    assert made == ([] if raised is None else [(raised, hard)])
