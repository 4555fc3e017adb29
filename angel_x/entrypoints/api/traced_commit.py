"""A commit of several requests as one span."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from angel_x.domain.operations.span import Span, Tracer, note_orders
from angel_x.errors import AngelXError
from angel_x.services.intake.acceptance import Submission
from angel_x.services.intake.submissions import Outcome

#: Stores submissions in one transaction; blocks.
Commit = Callable[[Sequence[Submission]], Sequence[Outcome]]


def traced_commit(commit: Commit, tracer: Tracer, requests: Sequence[Span | None]) -> Commit:
    """Return a commit under a span of the oldest request whose trace is kept.

    The span has links to the other requests, and they have links to it.
    """
    spans = [span for span in requests if span is not None]
    owner = next((span for span in spans if span.is_recorded), spans[0] if spans else None)
    others = [span for span in spans if span is not owner]

    def traced(submissions: Sequence[Submission]) -> Sequence[Outcome]:
        parent = None if owner is None else owner.traceparent
        links = [span.traceparent for span in others]
        with tracer.span("accept", parent=parent, links=links) as span:
            span.note("angel_x.submissions", len(submissions))
            for other in others:
                other.link(span.traceparent)
            outcomes = commit(submissions)
            note_orders(span, _order_ids(outcomes))
            return outcomes

    return traced


def _order_ids(outcomes: Sequence[Outcome]) -> list[int]:
    stored = [outcome for outcome in outcomes if not isinstance(outcome, AngelXError)]
    return [order.order_id for orders in stored for order in orders]
