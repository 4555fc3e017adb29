"""The buttons that turn to newer and older pages of a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from angel_x.entrypoints.desk.pages.parts import button
from angel_x.entrypoints.desk.views.paging import Pager


class PageTurner:
    """The place in a list, with its buttons.  ``read`` reads the page at that place."""

    def __init__(self, read: Callable[[], Awaitable[None]]) -> None:
        self._read = read
        self._next: str | None = None
        self.pager = Pager()

    def draw(self) -> None:
        """Draw both buttons where it is called."""
        self._newer = button("← Newer", self._turn_to_newer)
        self._older = button("Older →", self._turn_to_older)

    def show(self, following: str | None) -> None:
        """Enable the buttons; ``following`` is the cursor of the next page, None on the last."""
        self._next = following
        self._newer.set_enabled(self.pager.has_newer)
        self._older.set_enabled(following is not None)

    async def turn_to_first(self) -> None:
        """Turn to the newest page."""
        await self._turn(Pager())

    async def _turn_to_newer(self) -> None:
        await self._turn(self.pager.newer())

    async def _turn_to_older(self) -> None:
        if self._next is not None:
            await self._turn(self.pager.older(self._next))

    async def _turn(self, pager: Pager) -> None:
        self.pager = pager
        await self._read()
