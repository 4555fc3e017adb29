"""Registration of pages with NiceGUI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request
from nicegui import ui

from angel_x.entrypoints.desk.gate import SESSION
from angel_x.entrypoints.desk.pages.frame import Frame
from angel_x.entrypoints.desk.pages.header_bar import HeaderBar
from angel_x.entrypoints.desk.sessions import LoginSessions


def register(
    sessions: LoginSessions,
    path: str,
    title: str,
    build: Callable[[Frame], Awaitable[None] | None],
    places: Mapping[str, str],
) -> None:
    """Serve a page; ``places`` are the titles of all pages by their path."""

    @ui.page(path, title=f"{title} · Angel-X")
    async def page(request: Request) -> None:
        frame = Frame(request.scope[SESSION], sessions, path)
        HeaderBar(frame, places)
        with frame.content:
            building = build(frame)
            if building is not None:
                await building
        frame.start()
