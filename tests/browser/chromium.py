"""The browser of this machine, and pages that may not fail silently."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: The variable that names another browser than the first of :data:`PROGRAMS` on the path.
CHOICE = "AX_TEST_CHROMIUM"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Milliseconds that an element or an answer is waited for on a busy machine.
PATIENCE = 120_000
WINDOW = {"width": 1280, "height": 800}


def executable() -> str:
    """Return the path of Chromium, or fail with the command that installs it."""
    for name in filter(None, (os.environ.get(CHOICE), *PROGRAMS)):
        if path := shutil.which(name):
            return path
    raise AssertionError(
        f"no Chromium on the path: apt-get install chromium, or set {CHOICE} to its path"
    )


@contextmanager
def running() -> Iterator[Browser]:
    """Run headless Chromium; it ends with the block."""
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - slow to import

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # The memory that containers share is small, and only pages of ours are opened.
        browser = playwright.chromium.launch(
            executable_path=executable(), args=["--disable-dev-shm-usage"], timeout=PATIENCE
        )
        yield browser
        browser.close()


@dataclass
class Pages:
    """Opens pages, each with cookies and credentials of its own, and collects their errors."""

    browser: Browser
    errors: list[str] = field(default_factory=list)

    def open(self, **options: Any) -> Page:
        """Return an empty page; ``options`` are those of Playwright's ``Browser.new_context``."""
        context = self.browser.new_context(**{"viewport": WINDOW, "locale": "en-IN", **options})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        return page

    def close(self) -> None:
        """Close all pages, and fail if a script of one has raised an error."""
        for context in self.browser.contexts:
            context.close()
        assert self.errors == []
