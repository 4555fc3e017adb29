"""Viewers of the desk's chain without a browser: they log in, open the page and take every change that it sends.

``python -m benchmarks.headless_viewers URL VIEWERS``, with an API key on standard input.  Says ``watching``
once every strike is shown to each of them, and after SIGTERM prints the changes and the bytes that they took.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from ast import literal_eval
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import socketio
from yarl import URL

#: A chain of all strikes has at least so many.
FEWEST_STRIKES = 100
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
_QUERY = re.compile(r"query: (\{.*?\}),\n")
_ALL = "All"
_ACK_SECONDS = 1.0
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page as the desk first sends it: its elements by id, and the parameters of its socket."""

    elements: dict[str, dict[str, Any]]
    query: dict[str, Any]

    @classmethod
    def of(cls, html: str) -> OpenPage:
        elements, query = _ELEMENTS.search(html), _QUERY.search(html)
        if elements is None or query is None:
            raise ValueError(f"this is no page of NiceGUI: {html[:400]}")
        return cls(json.loads(unescape(elements[1])), literal_eval(query[1]))

    def press_all(self) -> dict[str, Any]:
        """Return the event of a click on the button that shows all strikes."""
        for number, element in self.elements.items():
            labels = [option["label"] for option in element.get("props", {}).get("options", ())]
            if _ALL in labels:
                (listener,) = (
                    each for each in element["events"] if each["type"].startswith("update")
                )
                return {
                    "id": int(number),
                    "client_id": self.query["client_id"],
                    "listener_id": listener["listener_id"],
                    "args": [json.dumps(labels.index(_ALL))],
                }
        raise ValueError("the page has no button for all strikes")


@dataclass
class Viewer:
    """One open page of the chain."""

    page: OpenPage
    patches: int = 0
    received: int = 0
    shows_all: asyncio.Event = field(default_factory=asyncio.Event)
    _socket: socketio.AsyncClient = field(
        default_factory=lambda: socketio.AsyncClient(
            reconnection=False, request_timeout=_PATIENCE_SECONDS
        )
    )
    _next_id: int = 0

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str) -> Viewer:
        """Open the page of a browser session that has logged in, and show every strike."""
        async with http.get(f"{url}/chain") as answer:
            viewer = cls(OpenPage.of(await answer.text()))
        await viewer._connect(http, url)
        return viewer

    async def _connect(self, http: aiohttp.ClientSession, url: str) -> None:
        query = {
            **self.page.query,
            "implicit_handshake": "true",
            "old_tab_id": "",
            **{name: uuid4().hex for name in ("tab_id", "document_id")},
        }
        cookies = http.cookie_jar.filter_cookies(URL(url)).values()
        headers = {
            "Origin": url,
            "Cookie": "; ".join(f"{each.key}={each.value}" for each in cookies),
        }
        self._socket.on("*", self._take)
        await self._socket.connect(
            f"{url}?{urlencode(query)}",
            headers,
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
            wait_timeout=_PATIENCE_SECONDS,
        )
        await self._socket.emit("event", self.page.press_all())

    async def acknowledge(self) -> None:
        """Tell the desk each second how far the page has come, as its script does."""
        while True:
            await asyncio.sleep(_ACK_SECONDS)
            known = {"client_id": self.page.query["client_id"], "next_message_id": self._next_id}
            await self._socket.emit("ack", known)

    async def close(self) -> None:
        await self._socket.disconnect()

    def _take(self, name: str, data: object = None) -> None:
        text = json.dumps(data)
        self.received += len(text)
        if isinstance(data, dict) and "_id" in data:
            self._next_id = int(data["_id"]) + 1
        if (
            name == "update"
            and isinstance(data, dict)
            and any(_rows(element) >= FEWEST_STRIKES for element in data.values())
        ):
            self.shows_all.set()
        self.patches += name == "run_javascript" and "patch" in text


def _rows(element: object) -> int:
    props = element.get("props", {}) if isinstance(element, dict) else {}
    return len(props.get("rows", ()))


async def watch(url: str, key: str, viewers: int) -> dict[str, int]:
    """Look at the chain until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        form, origin = {"key": key, "next": "/chain"}, {"Origin": url}
        async with http.post(f"{url}/login", data=form, headers=origin) as answer:
            answer.raise_for_status()
        opened = [await Viewer.open(http, url) for _ in range(viewers)]
        acknowledging = [asyncio.create_task(each.acknowledge()) for each in opened]
        await asyncio.gather(*(each.shows_all.wait() for each in opened))
        print("watching", flush=True)
        await ended.wait()
        for task in acknowledging:
            task.cancel()
        await asyncio.gather(*(each.close() for each in opened))
    return {
        "patches": sum(each.patches for each in opened),
        "bytes": sum(each.received for each in opened),
    }


if __name__ == "__main__":
    print(
        json.dumps(asyncio.run(watch(sys.argv[1], sys.stdin.readline().strip(), int(sys.argv[2]))))
    )
