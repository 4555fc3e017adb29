"""``GET /``: the way to the desk, or to the documentation where no desk is installed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from angel_x.adapters.installation import is_desk_installed
from angel_x.entrypoints.api.parts import application

router = APIRouter(tags=["probes"])

_DOCUMENTATION = "/docs"


@router.get("/", include_in_schema=False)
async def front(request: Request) -> Response:
    settings = application(request).base.settings
    if settings.desk_url is not None:
        return RedirectResponse(settings.desk_url)
    if not settings.desk_enabled or not is_desk_installed():
        return RedirectResponse(_DOCUMENTATION)
    return RedirectResponse(str(request.url.replace(port=settings.desk_port)))
