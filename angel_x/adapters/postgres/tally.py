"""Figures over all orders: how many ended how and why, how long they took, which are stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Engine

_BY_STATUS = text("SELECT status, count(*) FROM orders GROUP BY status ORDER BY status")
_DENIALS = text("""
SELECT reason, count(*) FROM orders WHERE status = 'denied' GROUP BY reason ORDER BY count(*) DESC
""")
_UNDECIDED = text("SELECT count(*) FROM orders WHERE status IN ('received', 'submitting')")
# An order is decided by the first thing that happens to it after its receipt.
_DECIDED = """
SELECT o.priority, o.accepted_at, min(e.at) AS decided_at
FROM orders o JOIN order_events e ON e.order_id = o.id AND e.status <> 'received'
GROUP BY o.id
"""
_LATENCY = text(f"""
SELECT priority, count(*),
    1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - accepted_at)),
    1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - accepted_at))
FROM ({_DECIDED}) decided GROUP BY priority
ORDER BY array_position(ARRAY['emergency', 'high', 'normal', 'low'], priority)
""")
_SPAN = text(f"""
SELECT extract(epoch FROM max(decided_at) - min(accepted_at)) FROM ({_DECIDED}) decided
""")
_STORED = text("SELECT client_order_id FROM orders WHERE user_id = :user_id")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from acceptance to the decision: closed, or working in the market."""

    priority: str
    orders: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Match:
    """What one account was promised against what is stored."""

    #: Promised and not stored.
    lost: tuple[str, ...]
    #: Stored and never promised.
    unknown: tuple[str, ...]
    #: Stored more than once.
    doubled: tuple[str, ...]


class Tally:
    """Counts, from one statement each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_status(self) -> dict[str, int]:
        with self._engine.connect() as connection:
            return {status: count for status, count in connection.execute(_BY_STATUS)}  # noqa: C416

    def denials(self) -> dict[str, int]:
        """Return denied orders by reason, the most frequent first."""
        with self._engine.connect() as connection:
            return {reason: count for reason, count in connection.execute(_DENIALS)}  # noqa: C416

    def undecided(self) -> int:
        """Return how many orders wait for their decision."""
        with self._engine.connect() as connection:
            return int(connection.execute(_UNDECIDED).scalar_one())

    def latency(self) -> list[Latency]:
        """Return the latency of each priority, the most urgent first."""
        with self._engine.connect() as connection:
            return [
                Latency(priority, count, round(p50, 1), round(p99, 1))
                for priority, count, p50, p99 in connection.execute(_LATENCY)
            ]

    def span_seconds(self) -> float:
        """Return the time from the first acceptance to the last decision."""
        with self._engine.connect() as connection:
            return float(connection.execute(_SPAN).scalar_one() or 0)

    def match(self, user_id: int, promised: Collection[str]) -> Match:
        """Compare the client order ids that an account was promised with those stored."""
        with self._engine.connect() as connection:
            stored = list(connection.execute(_STORED, {"user_id": user_id}).scalars())
        once, expected = set(stored), set(promised)
        doubled = (
            {name for name in once if stored.count(name) > 1} if len(once) < len(stored) else ()
        )
        return Match(
            lost=tuple(sorted(expected - once)),
            unknown=tuple(sorted(once - expected)),
            doubled=tuple(sorted(doubled)),
        )
