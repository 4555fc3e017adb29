"""A Bot API of Telegram on this machine, as far as commands use it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from angel_x.adapters.clock import wall_clock

#: Part of every path, as it is at Telegram.
TOKEN = "7001:AAs3cr3t-token-of-a-bot-of-the-tests"


@dataclass(slots=True)
class BotApi:
    """Keeps updates until they are confirmed, and the messages that were sent.  It never waits."""

    port: int = 0
    updates: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    #: Requests for updates.
    asked: list[dict[str, Any]] = field(default_factory=list)
    #: Answers of the next requests, instead of usual ones.
    refusals: deque[dict[str, Any]] = field(default_factory=deque)
    last_id: int = 500

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def texts(self) -> list[str]:
        """The texts that were sent."""
        return [str(each["text"]) for each in self.sent]

    def write(self, text: str, *, person: int = 41, age: float = 0.0, **chat: Any) -> int:
        """Add a message of a person, by default in the private chat; return the id of the update."""
        self.last_id += 1
        message = {
            "message_id": self.last_id,
            "date": int(wall_clock().timestamp() - age),
            "chat": {"id": person, "type": "private", **chat},
            "from": {"id": person, "is_bot": False, "first_name": "A"},
            "text": text,
        }
        self.updates.append({"update_id": self.last_id, "message": message})
        return self.last_id

    def answer(self, method: str, content: dict[str, Any]) -> dict[str, Any]:
        if self.refusals:
            return self.refusals.popleft()
        if method == "sendMessage":
            self.sent.append(content)
            return {"ok": True, "result": {"message_id": len(self.sent)}}
        self.asked.append(content)
        first = content.get("offset", 0)
        self.updates = [each for each in self.updates if each["update_id"] >= first]
        return {"ok": True, "result": self.updates[: content["limit"]]}


@contextmanager
def bot_api() -> Iterator[BotApi]:
    """Serve a Bot API on a free port."""
    api = BotApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _, token, method = self.path.split("/")
            answer: dict[str, Any] = {"ok": False, "error_code": 401, "description": "Unauthorized"}
            if token == f"bot{TOKEN}":
                answer = api.answer(method, content)
            body = json.dumps(answer).encode()
            self.send_response(answer.get("error_code", 200))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
