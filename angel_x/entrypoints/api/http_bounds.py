"""The bounds on a request before its key is known: sizes, seconds and connections."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from config.settings import Settings

log = structlog.get_logger()

#: Bytes of one header line and of the request target, as in most proxies.
LINE_BYTES = 8 * 1024
#: Bytes of the request line and all header lines.
BLOCK_BYTES = 32 * 1024
#: Files of a process that are not connections of clients, apart from its connections to servers.
_OWN_FILES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpBounds:
    """The bounds of one client and of all clients together."""

    header_seconds: float
    body_seconds: float
    connections: int
    connections_by_address: int
    #: For which a client may leave 64 KB of an answer unread.
    unread_seconds: float = 30.0

    @classmethod
    def of(cls, settings: Settings) -> HttpBounds:
        """Return the bounds of the settings, fewer connections where the process may open fewer files."""
        kept = _OWN_FILES + settings.db_max_pool_size + 2 * settings.redis_pool_size
        return cls(
            header_seconds=settings.api_header_timeout,
            body_seconds=settings.api_body_timeout,
            connections=_affordable(settings.api_max_connections, kept),
            connections_by_address=settings.api_max_connections_per_address,
        )


def _affordable(wanted: int, kept: int) -> int:
    """Return how many connections the process has files for, beside ``kept`` files of its own."""
    files = _raised_file_limit(wanted + kept)
    if files == resource.RLIM_INFINITY or files >= wanted + kept:
        return wanted
    # However low the limit, most of it is for clients.
    affordable = min(wanted, max(files - kept, files // 2))
    log.warning("connections.limited_by_files", nofile=files, wanted=wanted, allowed=affordable)
    return affordable


def _raised_file_limit(needed: int) -> int:
    """Raise the soft limit of open files as far as it is needed and allowed, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return soft
    raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised
