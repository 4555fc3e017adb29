"""Logging in by key or link, and logging out: plain forms, which need no script."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from angel_x.entrypoints.desk import login_link
from angel_x.entrypoints.desk.gate import LOGIN, SESSION, local_path
from angel_x.entrypoints.desk.sessions import COOKIE
from angel_x.errors import ApiError, Unauthorized

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.accounts import WatchedAccounts
    from angel_x.entrypoints.desk.sessions import LoginSession, LoginSessions

log = structlog.get_logger()

#: No key is longer.
_LONGEST_KEY = 256
_BODY_BYTES = 4096
_USED_LINK = "This link was used already, or is too old. `angel-x desk --link` prints a new one."
_BAD_KEY = "This key is not valid: it may be mistyped, revoked or expired."


class LoginRoutes:
    """The routes of the login."""

    def __init__(
        self,
        sessions: LoginSessions,
        accounts: WatchedAccounts,
        home: Path,
        now: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._home = home
        self._now = now
        self._page = Environment(
            loader=PackageLoader("angel_x.entrypoints.desk"), autoescape=True
        ).get_template("login.html")

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(LOGIN, self.form, methods=["GET"])
        router.add_api_route(LOGIN, self.log_in, methods=["POST"])
        router.add_api_route("/logout", self.log_out, methods=["POST"])
        router.add_api_route(f"{login_link.PATH}/{{token}}", self.enter, methods=["GET"])
        return router

    async def form(self, request: Request) -> Response:
        target = local_path(request.query_params.get("next", "/"))
        if request.scope[SESSION] is not None:
            return RedirectResponse(target, HTTPStatus.SEE_OTHER)
        return self._shown(target)

    async def log_in(self, request: Request) -> Response:
        if int(request.headers.get("content-length") or 0) > _BODY_BYTES:
            return self._shown("/", _BAD_KEY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        form = await request.form(max_files=0, max_fields=4, max_part_size=_BODY_BYTES)
        target, key = local_path(str(form.get("next", "/"))), str(form.get("key", "")).strip()
        if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
            return self._shown(target, _BAD_KEY, HTTPStatus.UNAUTHORIZED)
        return await self._begin(request, key, target)

    async def enter(self, request: Request, token: str) -> Response:
        key = await run_in_threadpool(login_link.redeem, self._home, token, self._now())
        if key is None:
            return self._shown("/", _USED_LINK, HTTPStatus.UNAUTHORIZED)
        return await self._begin(request, key, "/")

    async def log_out(self, request: Request) -> Response:
        session: LoginSession | None = request.scope[SESSION]
        if session is not None:
            self._sessions.close(session)
        response = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    async def _begin(self, request: Request, key: str, target: str) -> Response:
        try:
            account = await run_in_threadpool(self._accounts.of_key, key)
        except Unauthorized:
            return self._shown(target, _BAD_KEY, HTTPStatus.UNAUTHORIZED)
        except ApiError as error:
            return self._shown(target, _sentence(error), HTTPStatus.SERVICE_UNAVAILABLE)
        former: LoginSession | None = request.scope[SESSION]
        if former is not None:
            self._sessions.close(former)
        session = self._sessions.open(account)
        log.info(
            "desk.entered", user_id=account.holder.user_id, key_prefix=account.holder.key_prefix
        )
        response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
        response.set_cookie(
            COOKIE,
            self._sessions.cookie(session),
            max_age=int(self._sessions.lifetime_seconds),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    def _shown(
        self, target: str, problem: str = "", status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        page = self._page.render(target=target, problem=problem)
        return HTMLResponse(page, status, headers={"Cache-Control": "no-store"})


def _sentence(error: ApiError) -> str:
    return f"The API does not let in: {error}"
