"""A program: its command, how it shows that it is ready, and how long it may take to stop."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from angel_x.adapters.children.logs import with_tail
from angel_x.errors import AngelXError

#: Seconds that one check of readiness may take.
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process to keep alive."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    #: The text in its output that shows readiness; empty where ``answers`` shows it, or nothing does.
    ready_words: str = ""
    #: Asked in a thread until it returns true.
    answers: Callable[[], bool] | None = None
    #: Host and port of a listening socket that outlives its processes: each inherits it, as ``--fd``.
    listens_at: tuple[str, int] | None = None
    #: Written by the program while it works; None where it has none.
    heartbeat: Path | None = None
    #: Seconds between SIGTERM and SIGKILL.
    stop_seconds: float = 30.0


class ProgramFailed(AngelXError):
    """A program ended before it was ready, or did not become ready in time."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(with_tail(f"{name} {reason}", log))
        self.name = name


class ProgramLate(ProgramFailed):
    """A program still runs, and was not ready in time."""


def ready_when_it_answers(url: str) -> Callable[[], bool]:
    """Return a check that is true once a GET of ``url`` is answered with 200."""
    parts = urlsplit(url)

    def answers() -> bool:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return answers
