"""One program, restarted whenever it ends unexpectedly."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from angel_x.adapters.children.backoff import Backoff
from angel_x.adapters.children.lineage import dying_with_parent, kill_group, signal_process
from angel_x.adapters.children.listening import listening
from angel_x.adapters.children.logs import BoundedLog, LogBounds, begin_log
from angel_x.adapters.heartbeat import last_beat
from angel_x.adapters.slowness import slowness
from angel_x.entrypoints.supervisor.output import LineReader, Terminal
from angel_x.entrypoints.supervisor.program import Program, ProgramFailed, ProgramLate
from angel_x.entrypoints.supervisor.reaper import Reaper

#: A program that lived for this many seconds is started again at once.
HEALTHY_AFTER = 10.0
SHORTEST_BACKOFF = 0.5
LONGEST_BACKOFF = 4.0
#: Seconds that the last output of an ended program may take to arrive.
_LAST_OUTPUT = 1.0
#: Seconds in which a program that hangs may end by itself.
_HANGING_STOP = 5.0
#: Seconds between two checks of a program that becomes ready.
_POLL_SECONDS = 0.1


class Child:
    """The process of one program.  Must be made and used in the main thread's event loop."""

    def __init__(
        self,
        program: Program,
        log: Path,
        terminal: Terminal,
        reaper: Reaper,
        bounds: LogBounds,
    ) -> None:
        self.program = program
        self.log = log
        #: How often it was started.
        self.starts = 0
        self._terminal = terminal
        self._reaper = reaper
        self._listener: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._output: LineReader | None = None
        self._started_at = 0.0
        self._ended = asyncio.Event()
        self._is_ready = asyncio.Event()
        self._is_stopping = False
        self._backoff = Backoff(
            shortest=SHORTEST_BACKOFF, longest=LONGEST_BACKOFF, healthy_after=HEALTHY_AFTER
        )
        self._bounds = bounds
        begin_log(log, bounds.files)

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process.

        Raises:
            ProgramFailed: There is no such program, or another one listens at its address.
        """
        reader, writer = os.pipe()
        try:
            if self._listener is None and self.program.listens_at is not None:
                self._listener = listening(*self.program.listens_at)
            self._process = self._spawn(writer)
        except OSError as error:
            os.close(reader)
            raise ProgramFailed(self.name, f"did not start, {error}", self.log) from error
        finally:
            os.close(writer)
        self.starts += 1
        self._started_at = time.monotonic()
        self._ended.clear()
        self._reaper.add(self._process.pid)
        output = self._output = LineReader(BoundedLog(self.log, self._bounds), self._hear)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: output, os.fdopen(reader, "rb", 0))

    def _spawn(self, output: int) -> subprocess.Popen[bytes]:
        inherited = () if self._listener is None else (self._listener.fileno(),)
        return subprocess.Popen(  # noqa: S603 - the command is our own program
            [*self.program.argv, *(f"--fd={descriptor}" for descriptor in inherited)],
            pass_fds=inherited,
            env=dict(self.program.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A group of its own: a Ctrl-C is for the supervisor, which stops programs in order.
            start_new_session=True,
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - one call into the kernel
        )

    def poll(self) -> None:
        """Notice whether the process has ended; called on SIGCHLD."""
        if self._process is not None and self._process.poll() is not None:
            self._ended.set()

    async def become_ready(self, timeout: float) -> None:
        """Wait until the program is ready.

        Raises:
            ProgramFailed: It ended instead.
            ProgramLate: It is not ready in ``timeout`` seconds of a machine that is not busy.
        """
        ended = asyncio.ensure_future(self._ended.wait())
        ready = asyncio.ensure_future(self._await_ready())
        try:
            await _first_of({ended, ready}, timeout)
            if ended.done() and not ready.done():
                assert self._process is not None
                code = self._process.returncode
                raise ProgramFailed(self.name, f"did not start, it ended with {code}", self.log)
            if not ready.done():
                raise ProgramLate(self.name, f"was not ready in {timeout:g} s", self.log)
        finally:
            ended.cancel()
            ready.cancel()

    async def _await_ready(self) -> None:
        if self.program.ready_words:
            await self._is_ready.wait()
        if self.program.answers is not None:
            while not await asyncio.to_thread(self.program.answers):
                await asyncio.sleep(_POLL_SECONDS)

    async def keep_alive(self, note: Callable[[], None]) -> None:
        """Start the program again whenever it ends, until it is stopped."""
        loop = asyncio.get_running_loop()
        while True:
            born = loop.time()
            await self._ended.wait()
            if self._is_stopping:
                return
            code = self._release()
            await self._read_to_end()
            pause = self._backoff.pause(loop.time() - born)
            self._terminal.narrate(self.name, f"ended with {code}, starts again in {pause:g} s")
            await asyncio.sleep(pause)
            await self._start_again()
            note()

    async def _start_again(self) -> None:
        # The stop may have come during the pause.
        while not self._is_stopping:
            try:
                await self.start()
            except ProgramFailed as error:
                self._terminal.say(self.name, str(error))
                await asyncio.sleep(self._backoff.pause(0))
            else:
                return

    def _release(self) -> int:
        """End the rest of its group, and return its exit code."""
        assert self._process is not None
        process, self._process = self._process, None
        kill_group(process.pid)
        self._reaper.remove(process.pid)
        return process.returncode

    def silence(self) -> float:
        """Return the seconds since its last heartbeat; zero before the first, and where it has none."""
        beat = last_beat(self.program.heartbeat) if self.program.heartbeat else None
        if beat is None or beat < self._started_at or self._process is None:
            return 0.0
        return time.monotonic() - beat

    async def replace(self, reason: str) -> None:
        """End a process that hangs, and its children; it is then started again."""
        self._terminal.say(self.name, f"{reason}, is replaced")
        process = self._process
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._ended.wait(), _HANGING_STOP)
        except TimeoutError:
            if process is not None and self._process is process:
                kill_group(process.pid)

    def will_stop(self) -> None:
        """From now on the program is not started again."""
        self._is_stopping = True

    async def stop(self) -> None:
        """Ask the process to end, and end it when it has taken too long."""
        self.will_stop()
        if self._listener is not None:
            # No process answers new connections from now on.
            self._listener.close()
        if self._process is not None:
            await self._end()
        await self._read_to_end()

    async def _end(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._ended.wait(), self.program.stop_seconds)
        except TimeoutError:
            self._terminal.say(self.name, f"did not stop in {self.program.stop_seconds:g} s")
            self.kill()
            await self._ended.wait()
        self._terminal.narrate(self.name, f"stopped with {self._release()}")

    def kill(self) -> None:
        """End the process and its children at once."""
        self.will_stop()
        if self._process is not None:
            kill_group(self._process.pid)

    def _signal(self, number: int) -> None:
        # The id of a process that was waited for may be another one's by now.
        if self._process is not None and not self._ended.is_set():
            signal_process(self._process.pid, number)

    async def _read_to_end(self) -> None:
        if self._output is not None:
            await self._output.read_to_end(_LAST_OUTPUT)

    def _hear(self, line: str) -> None:
        if self.program.ready_words and self.program.ready_words in line:
            self._is_ready.set()
        self._terminal.hear(self.name, line)


async def _first_of(tasks: set[asyncio.Future[Any]], timeout: float) -> None:
    """Wait for the first of some tasks, longer than ``timeout`` on a machine that is busy."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + timeout * slowness():
        done, _ = await asyncio.wait(tasks, timeout=timeout, return_when="FIRST_COMPLETED")
        if done:
            return
