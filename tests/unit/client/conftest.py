"""A server that says what it is told, and a client of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from angel_x import Client


class Script:
    """A server that gives the answers it was told, in order; None hangs up instead."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object, dict[str, str]] | None] = []
        self.requests: list[tuple[str, str, Any]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                content = self.rfile.read(length)
                body = msgspec.json.decode(content) if content else None
                script.requests.append((self.command, self.path, body))
                answer = script.answers.pop(0)
                if answer is None:
                    self.close_connection = True
                    return
                status, reply, headers = answer
                raw = reply if isinstance(reply, bytes) else msgspec.json.encode(reply)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            # The names that the standard library looks for.
            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, status: int, reply: object, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, reply, named))

    def hang_up(self) -> None:
        self.answers.append(None)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    yield script
    script.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(script: Script, pauses: list[float]) -> Iterator[Client]:
    with Client(script.url, "key", pause=pauses.append) as client:
        yield client
