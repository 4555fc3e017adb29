"""The parent's end of the pipe to a process that keeps its children: the guardian or the sweeper.

The pipe ends with the parent, however that ends, and the keeper then ends the children.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

#: The folder that ``angel_x`` is installed in, for a keeper that has no site packages.
_HOME = str(Path(__file__).parents[3])
_PROGRAM = (
    "import sys; from importlib import import_module; "
    "sys.path.append(sys.argv.pop(1)); import_module(sys.argv.pop(1)).main()"
)


class Keeper:
    """A keeper's process, in a session of its own, so that a Ctrl-C reaches its parent only."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        stdout: int | None = None,
        stderr: IO[bytes] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-c", _PROGRAM, _HOME, module, *arguments],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd="/",
            start_new_session=True,
            pass_fds=pass_fds,
        )
        assert self.process.stdin is not None
        self._stdin = self.process.stdin

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def tell(self, line: str) -> None:
        """Send one line.

        Raises:
            BrokenPipeError: The keeper has ended.
        """
        self._stdin.write(f"{line}\n".encode())

    def close(self, timeout: float | None = None) -> None:
        """Let the keeper end its children, and wait for its end; a second call does nothing.

        Raises:
            TimeoutExpired: It has not ended in time.
        """
        self._stdin.close()
        self.process.wait(timeout)
