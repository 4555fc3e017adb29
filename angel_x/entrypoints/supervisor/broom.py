"""Our end of the pipe to the sweeper."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from angel_x.entrypoints.supervisor import sweeper


class Broom:
    """Tells the sweeper which process groups there are, for as long as this process lives.

    ``patience`` is how many seconds the groups get to end once it does not.
    """

    def __init__(self, patience: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", sweeper.__file__, f"{patience:g}"],
            bufsize=0,
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._stdin = self._process.stdin

    def add(self, pid: int) -> None:
        self._say(f"+{pid}\n")

    def remove(self, pid: int) -> None:
        self._say(f"-{pid}\n")

    def close(self) -> None:
        """Let the sweeper end what is left, and wait for that; a second call does nothing."""
        self._stdin.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _say(self, line: str) -> None:
        # Without its sweeper the system still runs; the kernel's signal is what remains.
        with suppress(BrokenPipeError):
            self._stdin.write(line.encode())
