"""Registration of pages with NiceGUI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from fastapi import Request
from nicegui import ui

from angel_x.entrypoints.desk.gate import SESSION
from angel_x.entrypoints.desk.pages.frame import Frame
from angel_x.entrypoints.desk.pages.header_bar import HeaderBar
from angel_x.entrypoints.desk.sessions import LoginSession, LoginSessions


@dataclass(frozen=True, slots=True)
class Places:
    """The titles of all pages by their path."""

    titles: Mapping[str, str]
    #: The paths to which only operators have links.
    of_operators: Collection[str]

    def shown_to(self, session: LoginSession) -> dict[str, str]:
        """Return the titles of the links that a session has."""
        return {
            path: title
            for path, title in self.titles.items()
            if session.is_admin or path not in self.of_operators
        }


def register(
    sessions: LoginSessions,
    path: str,
    title: str,
    build: Callable[[Frame], Awaitable[None] | None],
    places: Places,
) -> None:
    """Serve a page with links to others."""

    @ui.page(path, title=f"{title} · Angel-X")
    async def page(request: Request) -> None:
        frame = Frame(request.scope[SESSION], sessions, path)
        HeaderBar(frame, places.shown_to(frame.session))
        with frame.content:
            with ui.element("h1").classes("ax-sr"):
                ui.label(title)
            building = build(frame)
            if building is not None:
                await building
        frame.start()
