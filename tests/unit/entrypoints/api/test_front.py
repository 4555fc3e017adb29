from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from angel_x.entrypoints.api import front
from config.loading import defaults


def location(monkeypatch: pytest.MonkeyPatch, *, is_installed: bool = True, **changes: Any) -> str:
    settings = msgspec.structs.replace(defaults("production"), **changes)
    monkeypatch.setattr(front, "is_desk_installed", lambda: is_installed)
    app = FastAPI()
    app.include_router(front.router)
    app.state.application = SimpleNamespace(base=SimpleNamespace(settings=settings))
    browser = TestClient(app, base_url="http://box:8000", follow_redirects=False)
    return browser.get("/").headers["location"]


def test_the_front_leads_to_desk_url_or_to_the_port_of_the_desk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert location(monkeypatch) == "http://box:8080/"
    assert location(monkeypatch, desk_port=8123) == "http://box:8123/"
    assert location(monkeypatch, desk_url="https://desk.example/") == "https://desk.example/"


def test_without_a_desk_the_front_leads_to_the_documentation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert location(monkeypatch, is_installed=False) == "/docs"
    assert location(monkeypatch, desk_enabled=False) == "/docs"
