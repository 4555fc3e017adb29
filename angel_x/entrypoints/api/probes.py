"""Liveness, readiness, and readiness as text.  No probe needs a key."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from angel_x.entrypoints.api.openapi import answers
from angel_x.entrypoints.api.parts import answer
from angel_x.entrypoints.api.readiness import Readiness

if TYPE_CHECKING:
    from angel_x.entrypoints.api.readiness import ReadinessCheck

router = APIRouter(tags=["probes"])


@router.get(
    "/livez", summary="Whether this process runs; no server is contacted", response_class=Response
)
async def get_liveness() -> Response:
    return answer({"alive": True})


@router.get(
    "/readyz",
    summary="Whether all parts that orders need are ready",
    response_class=Response,
    responses={
        **answers(Readiness, "Every part is ready"),
        503: {**answers(Readiness, "A part is not ready")[200]},
    },
)
async def get_readiness(request: Request) -> Response:
    readiness = await _check(request).run()
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return answer(readiness, status)


@router.get(
    "/healthz",
    summary="Readiness as text, for people",
    response_class=PlainTextResponse,
    responses={503: {"description": "A part is not ready", "content": {"text/plain": {}}}},
)
async def get_health(request: Request) -> Response:
    readiness = await _check(request).run()
    words = "Angel-X is ready" if readiness.ready else "Angel-X is NOT ready"
    lines = [
        f"{'ok ' if part.ready else 'BAD'}  {name}: {part.detail}"
        for name, part in readiness.parts.items()
    ]
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return PlainTextResponse("\n".join([words, "", *lines, ""]), status)


def _check(request: Request) -> ReadinessCheck:
    return cast("ReadinessCheck", request.app.state.readiness)
