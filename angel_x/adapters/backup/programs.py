"""PostgreSQL's client programs, started without a password among their arguments."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2.extensions import make_dsn, parse_dsn

from angel_x.adapters.servers.binaries import find_client
from angel_x.adapters.servers.urls import libpq_url
from angel_x.errors import BackupFailed

#: Files that a program makes are for their owner only.
_UMASK = 0o077
#: Characters of its errors that are shown.
_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Programs:
    """The client programs for one database."""

    url: str
    #: The major version of its server: an older program cannot read it.
    major: int

    @property
    def database(self) -> str:
        """The address of the database without its password."""
        return make_dsn(**{name: value for name, value in self._parts() if name != "password"})

    def run(self, name: str, *arguments: str) -> str:
        """Run a program to its end and return its output.

        Raises:
            BackupFailed: It has failed; with its errors.
        """
        with self.started(name, *arguments, stdout=subprocess.PIPE) as process:
            out, _ = process.communicate()
        return out.decode(errors="replace")

    @contextmanager
    def started(
        self, name: str, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a program, and await its end when the block has ended.

        Raises:
            BackupFailed: It has failed; with its errors.
        """
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL
                [str(find_client(name, self.major)), *arguments],
                env=self._environment(os.environ),
                stdin=stdin,
                stdout=stdout,
                stderr=errors,
                umask=_UMASK,
            )
            try:
                with process:
                    yield process
            except BrokenPipeError:
                # It has ended before it had read everything, and says why.
                process.wait()
            except BackupFailed:
                # The other end of a pipe has failed, perhaps because this one has.
                if not process.wait():
                    raise
            except BaseException:
                process.kill()
                raise
            if process.returncode:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()[-_SHOWN:]
                raise BackupFailed(
                    f"{name} {_end(process.returncode)}: {said or 'it said nothing'}"
                )

    def _environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which nothing but the address chooses the database."""
        ours = {name: value for name, value in environ.items() if not name.startswith("PG")}
        password = dict(self._parts()).get("password")
        return {**ours, **({"PGPASSWORD": password} if password else {})}

    def _parts(self) -> list[tuple[str, str]]:
        return list(parse_dsn(libpq_url(self.url)).items())


def _end(code: int) -> str:
    """Return how a process ended; a damaged file may crash a program."""
    return f"ended with {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"
