"""The live event stream of an account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import urllib3

from angel_x.client.connection import FIRST_ERROR, Connection, error_of, pause_seconds
from angel_x.domain.chains.chain_record import QuoteUpdate
from angel_x.domain.records.live_event import StreamEvent
from angel_x.errors import Unavailable

#: Three keep-alives of the stream.
_SILENCE_SECONDS = 45.0


class StreamCalls(Connection):
    """The events of an account."""

    def stream(
        self, after: str | None = None, *, watch: Iterable[str] = ()
    ) -> Iterator[StreamEvent]:
        """Yield the events of the account, from now on or after the event with the id ``after``.

        An event ``gap`` says that events after the last id are missing.  Contracts to ``watch`` come
        in events ``quotes``, which :meth:`quotes` decodes.
        A broken connection is opened again after the last event that arrived; :meth:`close` ends it.

        Raises:
            Unavailable: The connection could not be opened again.
        """
        for block in self._blocks(after, watch):
            body: dict[str, Any] = msgspec.json.decode(block.data)
            yield StreamEvent(block.id, block.kind, body)

    def quotes(self, symbols: Iterable[str]) -> Iterator[QuoteUpdate]:
        """Yield quotes, open interest and Greeks of contracts: all first, then those that have moved.

        An update comes every second at least, and at most four times a second.  After a broken
        connection the first one has all contracts again.

        Raises:
            InvalidRequest: A contract is not listed, or they are too many.
            Unavailable: The connection could not be opened again.
        """
        for block in self._blocks(None, symbols):
            if block.kind == "quotes":
                yield msgspec.json.decode(block.data, type=QuoteUpdate)

    def _blocks(self, after: str | None, watch: Iterable[str]) -> Iterator[_Block]:
        """Yield the blocks of the stream, over as many connections as it takes."""
        path = _path(watch)
        failures = 0
        while not self._has_closed():
            try:
                with self._listening(path, after) as chunks:
                    for block in _blocks_of(chunks):
                        failures = 0
                        after = block.id
                        yield block
            except urllib3.exceptions.HTTPError as error:
                if self._has_closed():
                    return
                failures += 1
                if failures > self._retries:
                    raise Unavailable(f"the event stream broke off: {error}") from error
            self._pause(pause_seconds(failures, None))

    @contextmanager
    def _listening(self, path: str, after: str | None) -> Iterator[Iterator[bytes]]:
        headers = self._headers | {"Accept-Encoding": "identity"}
        if after is not None:
            headers["Last-Event-ID"] = after
        response = self._pool.request(
            "GET",
            f"{self._url}{path}",
            headers=headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=5.0, read=_SILENCE_SECONDS),
        )
        self._listening_to.add(response)
        try:
            if response.status >= FIRST_ERROR:
                raise error_of(response)
            # A client that was closed before the answer came has not seen it.
            yield iter(()) if self._has_closed() else response.stream()
        finally:
            self._listening_to.remove(response)
            response.close()


class _Block(NamedTuple):
    """One event as it came."""

    id: str
    kind: str
    #: JSON.
    data: bytes


def _path(watch: Iterable[str]) -> str:
    # Commas stay as they are: a hundred strikes have to fit into the address of a request.
    symbols = ",".join(quote(symbol, safe="") for symbol in watch)
    return f"/v1/stream?watch={symbols}" if symbols else "/v1/stream"


def _blocks_of(chunks: Iterator[bytes]) -> Iterator[_Block]:
    unread = b""
    for chunk in chunks:
        *blocks, unread = (unread + chunk).split(b"\n\n")
        for block in blocks:
            lines = (line.partition(b": ") for line in block.split(b"\n"))
            fields = {name.decode(): value for name, _, value in lines if name}
            if "data" in fields:
                yield _Block(fields["id"].decode(), fields["event"].decode(), fields["data"])
