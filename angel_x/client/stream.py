"""The live event stream of an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import urllib3

from angel_x.client.connection import FIRST_ERROR, Connection, error_of, pause_seconds
from angel_x.domain.records.live_event import StreamEvent
from angel_x.errors import Unavailable

#: Three keep-alives of the stream.
_SILENCE_SECONDS = 45.0


class StreamCalls(Connection):
    """The events of an account."""

    def stream(self, after: str | None = None) -> Iterator[StreamEvent]:
        """Yield the events of the account, from now on or after the event with the id ``after``.

        An event ``gap`` says that events after the last id are missing.
        A broken connection is opened again after the last event that arrived.

        Raises:
            Unavailable: The connection could not be opened again.
        """
        failures = 0
        while True:
            try:
                with self._listening(after) as chunks:
                    for event in _events(chunks):
                        failures = 0
                        after = event.id
                        yield event
            except urllib3.exceptions.HTTPError as error:
                failures += 1
                if failures > self._retries:
                    raise Unavailable(f"the event stream broke off: {error}") from error
            self._pause(pause_seconds(failures, None))

    @contextmanager
    def _listening(self, after: str | None) -> Iterator[Iterator[bytes]]:
        headers = self._headers | {"Accept-Encoding": "identity"}
        if after is not None:
            headers["Last-Event-ID"] = after
        response = self._pool.request(
            "GET",
            f"{self._url}/v1/stream",
            headers=headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=5.0, read=_SILENCE_SECONDS),
        )
        try:
            if response.status >= FIRST_ERROR:
                raise error_of(response)
            yield response.stream()
        finally:
            response.close()


def _events(chunks: Iterator[bytes]) -> Iterator[StreamEvent]:
    unread = b""
    for chunk in chunks:
        *blocks, unread = (unread + chunk).split(b"\n\n")
        for block in blocks:
            lines = (line.partition(b": ") for line in block.split(b"\n"))
            fields = {name.decode(): value for name, _, value in lines if name}
            if "data" in fields:
                body: dict[str, Any] = msgspec.json.decode(fields["data"])
                yield StreamEvent(fields["id"].decode(), fields["event"].decode(), body)
