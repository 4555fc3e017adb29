"""Square-offs: asked for twice, and followed until the server says that they are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.pages.order_dialogs import confirm
from angel_x.entrypoints.desk.pages.parts import box, button
from angel_x.entrypoints.desk.views.square_off import progress
from angel_x.errors import ApiError

if TYPE_CHECKING:
    from angel_x.domain.workflows.square_off import SquareOffRecord
    from angel_x.entrypoints.desk.pages.frame import Frame

_DETAIL = (
    "Open orders are canceled, then short positions are bought back, then long ones are sold, "
    "at market."
)
_LOOK_SECONDS = 0.5


class SquareOffs:
    """The square-offs that were begun on this page."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._place = box("ax-progress").props("role=status")

    def all(self) -> None:
        """Ask whether to close every position."""
        self._ask("everything", {})

    def underlying(self, name: str) -> None:
        """Ask whether to close the positions in an underlying."""
        self._ask(name, {"underlying": name})

    def one(self, symbol: str, product: str) -> None:
        """Ask whether to close one position."""
        self._ask(f"{symbol} {product}", {"symbol": symbol, "product": product})

    def _ask(self, title: str, selection: dict[str, str]) -> None:
        async def send() -> None:
            client = self._frame.account.client
            record = await self._frame.attempt(lambda: client.square_off(**selection))
            if record is not None:
                _ExitProgress(self._frame, self._place, title, record)

        confirm(self._frame, f"Square off {title}?", _DETAIL, "Square off", send)


class _ExitProgress:
    """One square-off, until it is closed by hand."""

    def __init__(
        self, frame: Frame, place: ui.element, title: str, record: SquareOffRecord
    ) -> None:
        self._frame, self._title, self._record = frame, title, record
        with place, box("ax-note") as self._note:
            self._text = ui.label()
            self._lines = box("ax-muted")
            button("Close", self._note.delete)
            self._timer = ui.timer(_LOOK_SECONDS, self._look)
        self._show()

    async def _look(self) -> None:
        client = self._frame.account.client
        try:
            self._record = await self._frame.call(client.square_off_standing, self._record.id)
        except ApiError as error:
            self._text.set_text(f"Square-off of {self._title}: its progress is not known ({error})")
            return
        self._show()
        if self._record.status is not WorkflowStatus.RUNNING:
            self._timer.deactivate()
            self._frame.account.hasten()

    def _show(self) -> None:
        told = progress(self._title, self._record)
        self._text.set_text(told.title)
        self._text.classes(replace=str(told.tone))
        self._lines.clear()
        with self._lines:
            for line in told.lines:
                ui.label(line)
