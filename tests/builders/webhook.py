"""A web server on this machine that notifications are sent to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

#: Part of the path, as a token of a real service would be.
TOKEN = "s3cr3t-token-of-a-webhook"


@dataclass(slots=True)
class Webhook:
    """Keeps each request, and answers with ``status``."""

    port: int = 0
    status: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address, as Apprise reads it."""
        return f"json://127.0.0.1:{self.port}/{TOKEN}"

    @property
    def lines(self) -> list[str]:
        """The lines of all texts that were sent."""
        return [line for each in self.received for line in str(each["message"]).splitlines()]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Serve a webhook on a free port."""
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.status == 200:
                kept.received.append(json.loads(content))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
