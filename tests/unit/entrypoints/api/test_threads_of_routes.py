"""No route, and nothing that a route depends on, blocks the event loop or FastAPI's shared threads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from angel_x.entrypoints.api.application import ROUTERS

ROUTES = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """Yield the function of a route and of each of its dependencies."""
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from calls_of(each)


def runs_on_the_loop(call: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{sorted(route.methods)} {route.path}")
def test_a_route_runs_on_the_loop_and_sends_what_blocks_to_a_bulkhead(route: APIRoute) -> None:
    calls = list(calls_of(route.dependant))

    assert calls
    assert [call for call in calls if not runs_on_the_loop(call)] == []


def test_a_function_that_blocks_would_be_found() -> None:
    assert not runs_on_the_loop(calls_of)
