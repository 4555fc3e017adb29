"""Acceptance of orders: stored first, then rung for.

A second call with the same client order ids and the same content answers with the same orders and
stores nothing; with other content it is a conflict.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Protocol

import structlog

from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.intake import IntakeRow, KnownOrder, OrderKey
from angel_x.domain.orders.order import OrderRequest, OrderStatus, Priority
from angel_x.domain.orders.step import Passing, Step, unhindered
from angel_x.errors import IdempotencyConflict
from angel_x.services.intake.slicing import Slicing
from angel_x.services.ports import Clock, Dispatcher, Meter, UniverseSource

log = structlog.get_logger()

_REQUEST_FIELDS = fields(OrderRequest)


@dataclass(frozen=True, slots=True)
class Submission:
    """The orders of one request: accepted as a whole or not at all."""

    user_id: int
    requests: tuple[OrderRequest, ...]
    actor: str = "api"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One order that is durable."""

    order_id: int
    client_order_id: str
    status: OrderStatus
    #: The order was there before.
    replayed: bool


class Intake(Protocol):
    """The store of accepted orders."""

    def store(
        self,
        rows: Sequence[IntakeRow],
        actor: str,
        basket_id: int | None = None,
    ) -> Mapping[OrderKey, KnownOrder]:
        """Store the new orders in one transaction; store nothing at all where a hash differs.

        The orders of a basket are held.
        """

    def known(self, keys: Sequence[OrderKey]) -> Mapping[OrderKey, KnownOrder]:
        """Return the stored orders of these keys; an unknown key is left out."""


class Acceptance:
    """Stores submissions that were checked."""

    def __init__(
        self,
        *,
        intake: Intake,
        universes: UniverseSource,
        slicing: Slicing,
        calendar: TradingCalendar,
        market_clock: Clock,
        dispatcher: Dispatcher,
        meter: Meter,
        batch_size: int,
        at: Passing = unhindered,
    ) -> None:
        self._intake = intake
        self._universes = universes
        self._slicing = slicing
        self._calendar = calendar
        self._market_clock = market_clock
        self._dispatcher = dispatcher
        self._meter = meter
        #: Order ids that one doorbell carries at most.
        self._batch_size = batch_size
        self._at = at

    def known(self, submissions: Sequence[Submission]) -> list[tuple[Accepted, ...] | None]:
        """Return the orders of each submission whose orders were all stored before, else None.

        The content must be the same, order by order.
        """
        keys = [
            (submission.user_id, request.client_order_id)
            for submission in submissions
            for request in submission.requests
        ]
        stored = self._intake.known(keys)
        found = [
            _accepted(submission, stored) if _is_stored(submission, stored) else None
            for submission in submissions
        ]
        self._count_replays(sum(len(orders) for orders in found if orders is not None))
        return found

    def accept(
        self, submissions: Sequence[Submission]
    ) -> list[tuple[Accepted, ...] | IdempotencyConflict]:
        """Store all submissions in one transaction, then ring for the new orders.

        A submission that conflicts with a stored order gets its error in place of its orders, and the
        others are stored.
        """
        outcomes: dict[int, tuple[Accepted, ...] | IdempotencyConflict] = {}
        standing = list(range(len(submissions)))
        self._at(Step.ACCEPTANCE_BEGUN)
        while standing:
            stored = self._store([submissions[i] for i in standing])
            conflicts = self._conflicts(submissions, standing, stored)
            if not conflicts:
                self._at(Step.ACCEPTANCE_COMMITTED)
                outcomes |= {i: _accepted(submissions[i], stored) for i in standing}
                self._ring(submissions, standing, stored)
                self._at(Step.ACCEPTANCE_RUNG)
                break
            outcomes |= conflicts
            standing = [i for i in standing if i not in conflicts]
        return [outcomes[i] for i in range(len(submissions))]

    def _store(self, submissions: Iterable[Submission]) -> Mapping[OrderKey, KnownOrder]:
        rows = []
        actors = set()
        for submission in submissions:
            actors.add(submission.actor)
            rows += self.rows(submission)
        return self._intake.store(rows, "+".join(sorted(actors)))

    def rows(self, submission: Submission) -> list[IntakeRow]:
        """Return the rows to store of a submission, each with the sizes of its slices."""
        now, contracts = self._market_clock(), self._universes.current()
        day_ends = self._calendar.next_close(now)
        rows: list[IntakeRow] = []
        for request in submission.requests:
            until, slices = day_ends, tuple[int, ...]()
            if (row := contracts.row(request.symbol)) is not None:
                contract = contracts.contracts[row]
                until = min(day_ends, contract.expires_at)
                slices = self._slicing.sizes(request.quantity, contract, now)
            digest = fingerprint(request)
            rows.append(IntakeRow(submission.user_id, request, digest, until, slices))
        return rows

    def _conflicts(
        self,
        submissions: Sequence[Submission],
        standing: Iterable[int],
        stored: Mapping[OrderKey, KnownOrder],
    ) -> dict[int, IdempotencyConflict]:
        """Find conflicts with stored orders, or else those of the submissions with each other.

        A submission that is refused stores nothing, so nothing can be in conflict with it.
        """
        with_stored: dict[int, IdempotencyConflict] = {}
        with_others: dict[int, IdempotencyConflict] = {}
        # Facts of earlier submissions about the new orders.
        said: dict[OrderKey, bytes] = {}
        for i in standing:
            says: dict[OrderKey, bytes] = {}
            for request in submissions[i].requests:
                key = submissions[i].user_id, request.client_order_id
                known, content = stored[key], fingerprint(request)
                found = with_others if known.is_new else with_stored
                first = says.setdefault(key, said.get(key, content))
                if content != (first if known.is_new else known.request_hash):
                    found.setdefault(i, IdempotencyConflict(request.client_order_id))
            if i not in with_others:
                said |= says
        return with_stored or with_others

    def _ring(
        self,
        submissions: Sequence[Submission],
        standing: Iterable[int],
        stored: Mapping[OrderKey, KnownOrder],
    ) -> None:
        lanes: dict[Priority, dict[int, None]] = defaultdict(dict)
        accepted: Counter[Priority] = Counter()
        replays = 0
        for i in standing:
            for request in submissions[i].requests:
                order = stored[submissions[i].user_id, request.client_order_id]
                if order.is_new:
                    accepted[request.priority] += 1
                    # A sliced order is held; its slices are decided.
                    lanes[request.priority] |= dict.fromkeys(order.slice_ids or (order.order_id,))
                else:
                    replays += 1
        for priority in Priority:
            if priority in lanes:
                order_ids = list(lanes[priority])
                self._meter.add(Metric.ORDERS_ACCEPTED, accepted[priority], priority=priority.value)
                for start in range(0, len(order_ids), self._batch_size):
                    self._dispatcher.ring(priority, order_ids[start : start + self._batch_size])
        self._count_replays(replays)

    def _count_replays(self, orders: int) -> None:
        if orders:
            self._meter.add(Metric.IDEMPOTENT_REPLAYS, orders)


def fingerprint(request: OrderRequest) -> bytes:
    """Return a hash of 16 bytes over the content of a request.

    Fields at their default are left out, so that a field of a later release does not turn a replay
    into another order.
    """
    said = [
        (field.name, str(getattr(request, field.name)))
        for field in _REQUEST_FIELDS
        if getattr(request, field.name) != field.default
    ]
    return blake2b(repr(said).encode(), digest_size=16).digest()


def _is_stored(submission: Submission, stored: Mapping[OrderKey, KnownOrder]) -> bool:
    keys = ((submission.user_id, request.client_order_id) for request in submission.requests)
    return all(
        key in stored and stored[key].request_hash == fingerprint(request)
        for key, request in zip(keys, submission.requests, strict=True)
    )


def _accepted(
    submission: Submission, stored: Mapping[OrderKey, KnownOrder]
) -> tuple[Accepted, ...]:
    rows = (stored[submission.user_id, r.client_order_id] for r in submission.requests)
    return tuple(
        Accepted(row.order_id, r.client_order_id, row.status, replayed=not row.is_new)
        for row, r in zip(rows, submission.requests, strict=True)
    )
