"""The output of programs: all of it in a log file each, some of it on the terminal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from angel_x.adapters.children.logs import BoundedLog

_COLORS = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
_NAME_WIDTH = 17
_LOUD = re.compile(r"\[(?:warning|error|critical)\s*\]|\"level\":\s*\"(?:warning|error|critical)\"")
_LONGEST_LINE = 100_000


class Terminal:
    """Shows lines of many programs, each behind the colored name of its program.

    Warnings are always shown, all output with ``verbose``, and starts and stops with ``narrates``.
    """

    def __init__(self, console: Console, *, verbose: bool = False, narrates: bool = True) -> None:
        self._console = console
        self._verbose = verbose
        self._narrates = narrates
        self._styles: dict[str, str] = {}

    def hear(self, name: str, line: str) -> None:
        """Show a line that a program wrote, if it is to be shown."""
        if self._verbose or _LOUD.search(line):
            self.say(name, line)

    def narrate(self, name: str, line: str) -> None:
        """Show a start or stop of a program, if enabled."""
        if self._narrates:
            self.say(name, line)

    def say(self, name: str, line: str) -> None:
        """Show a line about a program."""
        style = self._styles.setdefault(name, _COLORS[len(self._styles) % len(_COLORS)])
        # Text without markup: the output of a program is shown unchanged.
        shown = Text(f"{name:<{_NAME_WIDTH}} ", style=style) + Text.from_ansi(line)
        self._console.print(shown, soft_wrap=True, highlight=False)


class LineReader(asyncio.Protocol):
    """Splits the output of a pipe into lines; the log file gets them first."""

    def __init__(self, log: BoundedLog, listener: Callable[[str], None]) -> None:
        self._log = log
        self._listener = listener
        self._rest = b""
        self._transport: asyncio.BaseTransport | None = None
        self._ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    async def read_to_end(self, patience: float) -> None:
        """Read to the end, for a bounded time: another process may hold the pipe open.

        Pipe and log are closed afterwards.
        """
        try:
            await asyncio.wait_for(self._ended.wait(), patience)
        except TimeoutError:
            if self._transport is not None:
                self._transport.close()
                await self._ended.wait()

    def data_received(self, data: bytes) -> None:
        self._log.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._listener(line.decode("utf-8", "replace").rstrip("\r"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        try:
            if self._rest:
                self._listener(self._rest.decode("utf-8", "replace"))
                self._rest = b""
        finally:
            # A terminal that has gone must not block the end.
            self._log.close()
            self._ended.set()
