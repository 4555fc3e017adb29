"""Sockets at an address of this machine."""

from __future__ import annotations

import socket

#: Connections that wait while the program behind a socket is started again.
_BACKLOG = 2048


def bound(host: str, port: int) -> socket.socket:
    """Return a socket at an address, any free port for 0.

    Raises:
        OSError: Another program listens there, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except BaseException:
        found.close()
        raise
    return found


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; the errors are those of :func:`bound`."""
    listener = bound(host, port)
    listener.listen(_BACKLOG)
    return listener


def reachable(host: str) -> str:
    """Return the address by which local programs reach a server that is bound to ``host``."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared
    return loopback.get(host, f"[{host}]" if ":" in host else host)
