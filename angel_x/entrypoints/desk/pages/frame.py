"""The frame of every page: its readings and their beat, and calls to the API with their refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from nicegui import run, ui

from angel_x.entrypoints.desk.gate import login_address
from angel_x.errors import ApiError

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.account import Snapshot, WatchedAccount
    from angel_x.entrypoints.desk.reading import ApiReading
    from angel_x.entrypoints.desk.sessions import LoginSession, LoginSessions

_Result = TypeVar("_Result")

#: Seconds between two looks at the readings.
_LOOK_SECONDS = 0.25
#: Looks between two beats, which tell the browser the age of every reading.
_LOOKS_A_BEAT = 4


class Frame:
    """One open page of one session."""

    def __init__(self, session: LoginSession, sessions: LoginSessions, path: str) -> None:
        self.session = session
        self.path = path
        #: The part below the header, where results of dialogs that are gone are shown.
        self.content = ui.element("div").classes("ax-main")
        #: Called with the newest readings when one of them is new.
        self.on_snapshot: list[Callable[[Snapshot], None]] = []
        #: Readings of this page alone, by the name under which elements show their age.
        self.readings: dict[str, ApiReading[Any]] = {}
        self._sessions = sessions
        self._shown: Snapshot | None = None
        self._looks = 0

    @property
    def account(self) -> WatchedAccount:
        return self.session.account

    def start(self) -> None:
        """Begin to follow the account."""
        ui.timer(_LOOK_SECONDS, self._look)

    async def call(self, act: Callable[..., _Result], *arguments: object) -> _Result:
        """Call the API in a thread.

        Raises:
            ApiError: The call was refused, or there is no answer.
        """
        if not self._sessions.is_open(self.session):
            self._ask_to_log_in()
            raise ApiError("the session has ended: log in again, nothing was sent")
        found: _Result = await run.io_bound(act, *arguments)  # type: ignore[assignment] # None only while the server stops
        return found

    async def attempt(self, act: Callable[..., _Result], *arguments: object) -> _Result | None:
        """Call the API; a refusal is shown with its words, and None returned."""
        try:
            return await self.call(act, *arguments)
        except ApiError as error:
            self.complain(error)
            return None

    def complain(self, error: ApiError | str) -> None:
        """Show a refusal until it is closed."""
        ui.notify(str(error), type="negative", timeout=0, close_button="Close", multi_line=True)

    def _look(self) -> None:
        self.account.look()
        if not self._sessions.is_open(self.session):
            self._ask_to_log_in()
            return
        if (snapshot := self.account.snapshot) != self._shown:
            self._shown = snapshot
            for tell in self.on_snapshot:
                tell(snapshot)
        if self._looks % _LOOKS_A_BEAT == 0:
            self._beat(snapshot)
        self._looks += 1

    def _beat(self, snapshot: Snapshot) -> None:
        now = self.account.clock()
        readings = {name: getattr(snapshot, name) for name in snapshot.__slots__} | self.readings
        ages = {name: reading.age(now) for name, reading in readings.items()}
        ui.run_javascript(f"desk.beat({msgspec.json.encode(ages).decode()})")

    def _ask_to_log_in(self) -> None:
        ui.navigate.to(login_address(self.path))
