"""The outermost layer of the desk: sessions, requests of other sites, and headers of security."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse

from angel_x.entrypoints.desk.login_link import PATH as ENTER
from angel_x.entrypoints.desk.sessions import COOKIE, LoginSessions

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The session of a request, in its scope.
SESSION = "desk_session"
LOGIN = "/login"
_OPEN = (LOGIN, "/livez", "/favicon.ico")
_OPEN_FOLDERS = (f"{ENTER}/", "/assets/", "/_nicegui/")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED_SOCKET = 4403
# NiceGUI's page starts with inline scripts and compiles the templates of its elements.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class DeskGate:
    """Lets in what has a session and comes from pages of this desk."""

    def __init__(self, app: ASGIApp, sessions: LoginSessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, _with_headers(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_own_origin(Headers(scope=scope)) and self._admit(scope):
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _REFUSED_SOCKET})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if method not in _SAFE and not is_own_origin(Headers(scope=scope)):
            words = "this request does not come from a page of the desk"
            response = PlainTextResponse(words, HTTPStatus.FORBIDDEN)
            await response(scope, receive, send)
        elif self._admit(scope) or path in _OPEN or path.startswith(_OPEN_FOLDERS):
            await self._app(scope, receive, send)
        elif method in _SAFE and not path.startswith("/_nicegui_ws/"):
            await RedirectResponse(login_address(_target(scope)), HTTPStatus.SEE_OTHER)(
                scope, receive, send
            )
        else:
            response = PlainTextResponse("log in first", HTTPStatus.UNAUTHORIZED)
            await response(scope, receive, send)

    def _admit(self, scope: Scope) -> bool:
        session = self._sessions.of_cookie(HTTPConnection(scope).cookies.get(COOKIE))
        scope[SESSION] = session
        return session is not None


def is_own_origin(headers: Headers) -> bool:
    """Return whether a browser says that a page of this very address sends the request."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def login_address(target: str) -> str:
    """Return the address of the login, which leads to ``target`` afterwards."""
    return LOGIN if target == "/" else f"{LOGIN}?next={quote(target, safe='')}"


def local_path(text: str) -> str:
    """Return a path of the desk to go to, ``/`` for an address elsewhere."""
    is_local = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_local and text.isprintable() and "\\" not in text else "/"


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _with_headers(send: Send) -> Send:
    async def send_marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_marked
