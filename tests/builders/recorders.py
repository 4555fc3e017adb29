"""Ports that remember what they were told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority


@dataclass
class FixedUniverse:
    """A universe that is current for ever."""

    universe: Universe

    def current(self) -> Universe:
        return self.universe

    def refreshed(self) -> Universe:
        return self.universe

    def version(self, version: str) -> Universe | None:
        return self.universe if version == self.universe.version else None


@dataclass
class RecordingDispatcher:
    chunks: list[tuple[str, int, int, datetime, float]] = field(default_factory=list)
    portfolios: list[list[int]] = field(default_factory=list)

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        raise AssertionError(f"no order may be rung for, was {priority} {order_ids}")

    def match(self) -> bool:
        raise AssertionError("nothing here rests")

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        raise AssertionError(f"no workflow runs here, was {workflow_id}")

    def cancel_all(self) -> bool:
        raise AssertionError("no control is set here")

    def update_portfolios(self, user_ids: Collection[int]) -> bool:
        self.portfolios.append(list(user_ids))
        return True

    def value_soon(self, user_ids: Collection[int]) -> bool:
        return self.update_portfolios(user_ids)

    def compute_greeks(
        self,
        version: str,
        chunks: Sequence[tuple[int, int]],
        as_of: datetime,
        expires_seconds: float,
    ) -> int:
        self.chunks += [(version, *chunk, as_of, expires_seconds) for chunk in chunks]
        return len(chunks)


@dataclass
class RecordingMeter:
    added: list[tuple[Metric, float, Mapping[str, str]]] = field(default_factory=list)
    observed: list[tuple[Metric, float]] = field(default_factory=list)
    #: Labels of the observations, in their order.
    observed_labels: list[Mapping[str, str]] = field(default_factory=list)
    gauges: dict[Metric, float] = field(default_factory=dict)

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        self.added.append((metric, amount, labels))

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        self.observed.append((metric, value))
        self.observed_labels.append(labels)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        self.gauges[metric] = value


@dataclass
class RecordingEvents:
    published: list[Mapping[str, object]] = field(default_factory=list)

    def publish(self, events: Sequence[Mapping[str, object]]) -> None:
        self.published += events
