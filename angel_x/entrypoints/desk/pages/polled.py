"""A reading of one page, repeated while the page is open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from nicegui import ui

from angel_x.entrypoints.desk.reading import ApiReading

if TYPE_CHECKING:
    from angel_x.client import Client
    from angel_x.entrypoints.desk.pages.frame import Frame

_Question = TypeVar("_Question")
_Value = TypeVar("_Value")


class Polled(Generic[_Question, _Value]):
    """Asks the API a question again and again; an answer to a former question is not shown."""

    def __init__(
        self,
        frame: Frame,
        name: str,
        read: Callable[[Client, _Question], _Value],
        show: Callable[[_Value], None],
        *,
        question: _Question,
        seconds: float,
    ) -> None:
        """Read as ``name``, under which elements show the age."""
        self._frame, self._name, self._read, self._show = frame, name, read, show
        self._question = question
        # A page that was closed lives on for a while, in case that its browser comes back.
        self._client = ui.context.client
        self._reading: ApiReading[_Value] = ApiReading()
        self._is_reading = False
        self._failure = ui.label().classes("ax-problem").props("role=alert")
        self._keep(self._reading)
        ui.timer(seconds, self._look)

    def ask(self, question: _Question) -> None:
        """Change the question; the age is that of its own first answer."""
        if question != self._question:
            self._question = question
            self._keep(ApiReading())
            ui.timer(0, self._look, once=True)

    async def _look(self) -> None:
        if self._is_reading or not self._client.has_socket_connection:
            return
        account, asked = self._frame.account, self._question
        read = partial(self._read, account.client, asked)
        self._is_reading = True
        try:
            found = await self._frame.attempt(self._reading.again, read, account.clock)
        finally:
            self._is_reading = False
        if found is not None and asked == self._question:
            self._keep(found)
            if found.value is not None:
                self._show(found.value)

    def _keep(self, reading: ApiReading[_Value]) -> None:
        self._reading = self._frame.readings[self._name] = reading
        self._failure.set_text(reading.failure or "")
