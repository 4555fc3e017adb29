from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from angel_x.domain.records.access import Scope
from angel_x.entrypoints.desk import login_link
from angel_x.entrypoints.desk.accounts import WatchedAccounts
from angel_x.entrypoints.desk.gate import SESSION, DeskGate, local_path, login_address
from angel_x.entrypoints.desk.login import LoginRoutes
from angel_x.entrypoints.desk.sessions import COOKIE, LoginSessions
from angel_x.errors import Unavailable
from tests.builders.timers import Timer
from tests.fakes.desk_api import DeskApi

KEY = "ax_000000000001_" + "a" * 64
OTHER = "ax_000000000002_" + "b" * 64
HOST = "http://desk:8080"
HOURS = 2


class Desk:
    """The login and two pages behind the gate, without NiceGUI."""

    def __init__(self, home: Path) -> None:
        self.api = DeskApi()
        self.api.add_key(KEY, "demo", Scope.TRADE)
        self.api.add_key(OTHER, "other", Scope.READ)
        self.timer = Timer()
        self.sessions = LoginSessions(HOURS * 3600, self.timer)
        self.now = 0.0
        accounts = WatchedAccounts(self.api.connect)
        app = FastAPI()
        app.include_router(LoginRoutes(self.sessions, accounts, home, lambda: self.now).router())
        app.add_api_route("/", _whose)
        app.add_api_route("/act", _whose, methods=["POST"])
        app.add_api_websocket_route("/_nicegui_ws/socket", _socket)
        self.app = DeskGate(app, self.sessions)

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=HOST, follow_redirects=False)


async def _whose(request: Request) -> Response:
    return PlainTextResponse(request.scope[SESSION].holder.user)


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("open")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.sessions.close_all()


@pytest.fixture
def browser(desk: Desk) -> TestClient:
    return desk.browser()


def log_in(browser: TestClient, key: str = KEY, target: str = "/") -> httpx2.Response:
    return browser.post("/login", data={"key": key, "next": target}, headers={"Origin": HOST})


def test_a_page_asks_to_log_in_and_is_shown_afterwards(browser: TestClient) -> None:
    asked = browser.get("/", params={"tab": "orders"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2F%3Ftab%3Dorders")

    shown = browser.get(asked.headers["location"])
    entered = log_in(browser, target="/?tab=orders")

    assert 'value="/?tab=orders"' in shown.text
    assert entered.headers["location"] == "/?tab=orders"
    assert browser.get("/").text == "demo"


def test_the_cookie_is_closed_to_scripts_and_to_other_sites_and_holds_no_key(
    desk: Desk, browser: TestClient
) -> None:
    log_in(browser)

    cookie = browser.cookies[COOKIE]
    header = (
        desk.browser()
        .post("/login", data={"key": KEY}, headers={"Origin": HOST})
        .headers["set-cookie"]
    )
    assert {"HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={HOURS * 3600}"} <= set(
        header.split("; ")
    )
    assert KEY not in header
    assert KEY not in cookie


def test_behind_tls_the_cookie_stays_in_tls(desk: Desk) -> None:
    browser = TestClient(desk.app, base_url="https://desk", follow_redirects=False)

    answer = browser.post("/login", data={"key": KEY}, headers={"Origin": "https://desk"})

    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "wrong", "k" * 300, "<script>alert(1)</script>", "é" * 9])
def test_a_wrong_key_is_refused_and_not_shown(browser: TestClient, key: str) -> None:
    answer = log_in(browser, key)

    assert answer.status_code == 401
    assert "not valid" in answer.text
    assert not key or key not in answer.text
    assert COOKIE not in browser.cookies


def test_an_api_that_is_silent_is_told_from_a_wrong_key(desk: Desk, browser: TestClient) -> None:
    desk.api.outage = Unavailable("the API did not answer: <refused>")

    answer = log_in(browser)

    assert answer.status_code == 503
    assert "did not answer: &lt;refused&gt;" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://desk:9999"},
        {"Origin": "http://desk"},
    ],
    ids=str,
)
def test_pages_of_other_addresses_can_neither_log_in_nor_act(
    browser: TestClient, headers: dict[str, str]
) -> None:
    log_in(browser)

    for path in ("/login", "/logout", "/act"):
        assert browser.post(path, data={"key": OTHER}, headers=headers).status_code == 403
    assert browser.get("/").text == "demo"


@pytest.mark.parametrize(
    ("origin", "has_session"), [("http://evil.example", True), (HOST, False), (HOST, True)]
)
def test_a_socket_needs_a_session_and_a_page_of_the_desk(
    browser: TestClient, origin: str, *, has_session: bool
) -> None:
    log_in(browser)
    cookie = browser.cookies[COOKIE] if has_session else "none"
    headers = {"Origin": origin, "Host": "desk:8080", "Cookie": f"{COOKIE}={cookie}"}
    socket = browser.websocket_connect("/_nicegui_ws/socket", headers=headers)

    if origin == HOST and has_session:
        with socket:
            assert socket.receive_text() == "open"
    else:
        with pytest.raises(WebSocketDisconnect), socket:
            pass


def test_a_login_replaces_the_session_that_the_browser_brought(
    desk: Desk, browser: TestClient
) -> None:
    log_in(browser)
    planted = browser.cookies[COOKIE]

    log_in(browser, OTHER)

    assert browser.get("/").text == "other"
    assert browser.cookies[COOKIE] != planted
    assert desk.sessions.of_cookie(planted) is None


def test_browsers_of_several_accounts_see_their_own(desk: Desk) -> None:
    one, other = desk.browser(), desk.browser()
    log_in(one)
    log_in(other, OTHER)

    assert (one.get("/").text, other.get("/").text) == ("demo", "other")


def test_logging_out_ends_the_session_everywhere(desk: Desk, browser: TestClient) -> None:
    log_in(browser)
    cookie = browser.cookies[COOKIE]

    browser.post("/logout", headers={"Origin": HOST})

    assert COOKIE not in browser.cookies
    assert desk.sessions.of_cookie(cookie) is None
    assert browser.get("/").status_code == 303
    assert browser.post("/act", headers={"Origin": HOST}).status_code == 401


def test_a_session_lasts_for_desk_session_hours(desk: Desk, browser: TestClient) -> None:
    log_in(browser)
    desk.timer.now += HOURS * 3600 - 1
    assert browser.get("/").status_code == 200

    desk.timer.now += 1

    assert browser.get("/").status_code == 303


def test_a_link_logs_in_once(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "demo.key").write_text(KEY)
    token = login_link.make(tmp_path, "demo.key")
    desk.now = (tmp_path / "desk.link").stat().st_mtime
    first, second = desk.browser(), desk.browser()

    entered, refused = first.get(f"/enter/{token}"), second.get(f"/enter/{token}")

    assert (entered.status_code, first.get("/").text) == (303, "demo")
    assert refused.status_code == 401
    assert "used already" in refused.text


def test_every_answer_names_its_own_sources_only(browser: TestClient) -> None:
    for path in ("/", "/login"):
        headers = browser.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/chain?expiry=2026-08-25", "/chain?expiry=2026-08-25"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\nb", "/"),
        ("", "/"),
    ],
)
def test_a_login_leads_to_pages_of_the_desk_only(given: str, path: str) -> None:
    assert local_path(given) == path
    assert login_address("/") == "/login"
