"""TLS in front of a server that speaks none, as a proxy terminates it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import cast

#: PostgreSQL's request for TLS, before the handshake, and the answer to it.
_SSL_REQUEST_BYTES = 8
_WILLING = b"S"

Upstream = Path | tuple[str, int]


class Front(ThreadingTCPServer):
    """Accepts TLS connections on a free port and passes their bytes on."""

    def __init__(self, upstream: Upstream, context: ssl.SSLContext, *, is_postgres: bool) -> None:
        super().__init__(("127.0.0.1", 0), Link)
        self.upstream = upstream
        self.context = context
        self.is_postgres = is_postgres
        self.open: set[socket.socket] = set()

    def server_close(self) -> None:
        """End every connection, then wait for their threads."""
        for each in list(self.open):
            _shut(each)
        super().server_close()


class Link(BaseRequestHandler):
    """One connection, until either side ends it."""

    def handle(self) -> None:
        front, client = cast("Front", self.server), cast("socket.socket", self.request)
        # A client that refuses the certificate, or ends, is no error of the front.
        with suppress(OSError):
            if front.is_postgres:
                client.recv(_SSL_REQUEST_BYTES, socket.MSG_WAITALL)
                client.sendall(_WILLING)
            with (
                front.context.wrap_socket(client, server_side=True) as secured,
                _connected(front.upstream) as upstream,
            ):
                front.open |= {secured, upstream}
                answers = Thread(target=_pass, args=(upstream, secured))
                answers.start()
                _pass(secured, upstream)
                answers.join()
                front.open -= {secured, upstream}


def _connected(upstream: Upstream) -> socket.socket:
    if not isinstance(upstream, Path):
        return socket.create_connection(upstream)
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(upstream))
    return made


def _pass(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until the source ends, and end the target."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _shut(target)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def tls_front(
    upstream: Upstream, context: ssl.SSLContext, *, is_postgres: bool = False
) -> Iterator[int]:
    """Serve TLS in threads and yield the port."""
    with Front(upstream, context, is_postgres=is_postgres) as front:
        thread = Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()
            thread.join()
