"""The pages, made of NiceGUI's elements."""

from __future__ import annotations

from angel_x.entrypoints.desk.pages.book import book
from angel_x.entrypoints.desk.pages.chain import chain
from angel_x.entrypoints.desk.pages.registration import register
from angel_x.entrypoints.desk.sessions import LoginSessions

_PAGES = (("/", "Book", book), ("/chain", "Chain", chain))


def install(sessions: LoginSessions) -> None:
    """Register every page with NiceGUI."""
    places = {path: title for path, title, _ in _PAGES}
    for path, title, build in _PAGES:
        register(sessions, path, title, build, places)
