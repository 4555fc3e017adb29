"""The port of traces: spans of work, and the context that leads from one process to the next."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]

#: The header of a request or a message with the context of a span, in the form of W3C Trace Context.
TRACEPARENT = "traceparent"
#: Order ids that one span names at most.
MOST_IDS = 50


class Span(Protocol):
    """A timed operation of a trace."""

    @property
    def traceparent(self) -> str:
        """The context of this span, for spans that it causes elsewhere."""

    @property
    def is_recorded(self) -> bool:
        """Return whether the span is kept: its trace is sampled, and it has not ended."""

    def rename(self, name: str) -> None:
        """Give the span a name that is known only now."""

    def note(self, name: str, value: str | int | Sequence[str]) -> None:
        """Set an attribute.  None may hold a secret or the content of an order."""

    def link(self, traceparent: str) -> None:
        """Add a link to a span that is not the parent; no link where the context is malformed."""

    def fail(self, reason: str) -> None:
        """Mark the operation as failed."""


class Tracer(Protocol):
    """Makes the spans of one process."""

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = "internal",
        parent: str | None = None,
        links: Sequence[str] = (),
    ) -> AbstractContextManager[Span]:
        """Open a span, which is the current one of this thread or coroutine until it is left.

        ``parent`` is a ``traceparent``, by default the current span; a malformed one begins a new
        trace.  An error that leaves the span marks it as failed, by the name of its class.
        """

    def current(self) -> Span | None:
        """Return the current span, None outside of all traces."""

    def timed(
        self, name: str, seconds: float, attributes: Sequence[tuple[str, str]], *, failed: bool
    ) -> None:
        """Add a call to a server that has just ended, as a child of the current span."""


def note_orders(span: Span, order_ids: Sequence[int]) -> None:
    """Note the number of orders of a span, and the ids of the first ones."""
    span.note("angel_x.orders", len(order_ids))
    if order_ids:
        span.note("angel_x.order_ids", [str(order_id) for order_id in order_ids[:MOST_IDS]])
