"""Fixtures of tests that look at pages through a real browser: ``make test-browser`` runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from angel_x.client import Client
from tests.browser import chromium
from tests.e2e.whole.instance import Instance, environment_of
from tests.plugins.servers import temporary_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: `make test` leaves them out by the mark."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for the session."""
    with chromium.running() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages that share nothing; an error of a page's script fails the test at its end."""
    pages = chromium.Pages(browser)
    yield pages.open
    pages.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Page, str], Path]:
    """Save a page as a picture: for the documents with ``--pictures``, else for this test only."""
    folder = Path(request.config.getoption("--pictures") or tmp_path)

    def save(page: Page, name: str) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=path, animations="disabled")
        return path

    return save


@pytest.fixture(scope="session")
def system() -> Iterator[Instance]:
    """A whole system as ``angel-x up`` runs it, with the desk, one for the session."""
    with temporary_home() as home:
        instance = Instance(home, {**environment_of(home), "ANGEL_X_DESK_ENABLED": "true"})
        try:
            instance.start()
            yield instance
        finally:
            instance.stop()


@pytest.fixture
def key(system: Instance) -> str:
    return (system.home / "demo.key").read_text(encoding="utf-8").strip()


@pytest.fixture
def client(system: Instance, key: str) -> Iterator[Client]:
    with Client(system.run_file["api_url"], key) as client:
        yield client
        client.kill_switch("active")
        client.cancel_all()


@pytest.fixture
def enter(system: Instance, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Log in with a key, and wait for the page behind the login."""
    from playwright.sync_api import expect  # noqa: PLC0415 - slow to import

    def enter(key: str, path: str = "/", **options: Any) -> Page:
        page = open_page(base_url=system.run_file["desk_url"], **options)
        page.goto(path)
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in").click()
        # A reload or a script of the test would meet the page that the login is leaving.
        expect(page.locator("#ax-link")).to_contain_text("Live")
        return page

    return enter
