"""Comparing the broker's orders, fills, positions and funds with the database, and storing the result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Protocol

import structlog

from angel_x.domain.exchange.reconciliation import (
    BookState,
    BrokerState,
    Difference,
    DifferenceKind,
    ForeignOrder,
    Reconciliation,
    compare,
    confirmed,
)
from angel_x.domain.orders.order import order_of
from angel_x.errors import BrokerError
from angel_x.services.ports import Clock

log = structlog.get_logger()

#: The time for the requests of one look, and between a look that found differences and the next one.
_PATIENCE_SECONDS, _PAUSE_SECONDS = 8.0, 2.0
#: Differences of one result in the log.
_LOGGED = 20


class Broker(Protocol):
    """The broker's side."""

    def state(self, patience_seconds: float) -> BrokerState:
        """Return it; the requests have to begin within these seconds.

        Raises:
            BrokerError: It cannot be read.
        """

    def close(self) -> None:
        """Close the connections."""


class Reconciliations(Protocol):
    """Our side, and the stored results."""

    def state(self, order_ids: Collection[int]) -> BookState:
        """Return our side: placed orders and those named, all of one moment."""

    def put(self, result: Reconciliation) -> None:
        """Store a result."""

    def newest(self) -> Reconciliation | None:
        """Return the newest result; None before the first."""


class Reconciler:
    """Compares both sides.  Orders of others are reported and never adopted."""

    def __init__(
        self,
        *,
        is_live: bool,
        broker: Broker,
        store: Reconciliations,
        clock: Clock,
        sleep: Callable[[float], None],
        tolerance: Decimal,
    ) -> None:
        #: Whether orders go to the broker.
        self.is_live = is_live
        self._broker = broker
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._tolerance = tolerance
        #: Orders of others that were reported.
        self._foreign: set[str] = set()

    def close(self) -> None:
        """Close the connections to the broker."""
        self._broker.close()

    def run_if_live(self) -> Reconciliation | None:
        """Compare where orders go to the broker; None elsewhere, and where it does not answer.

        A second call compares again.
        """
        if not self.is_live:
            return None
        try:
            return self.run()
        except BrokerError as error:
            log.warning("reconciliation.missed", error=str(error))
            return None

    def run(self) -> Reconciliation:
        """Compare both sides and store the result; a second call compares again.

        The sides are read one after the other while both move, so a difference counts only if a
        second look finds it too.

        Raises:
            BrokerError: The broker's books cannot be read; nothing is stored.
        """
        at = self._clock()
        broker, ours, found = self._look()
        if found:
            self._sleep(_PAUSE_SECONDS)
            broker, ours, again = self._look()
            found = confirmed(found, again)
        result = Reconciliation(
            at=at,
            orders=len(broker.book.orders.keys() | ours.orders.keys()),
            executions=len(broker.book.executions.keys() | ours.executions.keys()),
            positions=len(broker.book.positions.keys() | ours.positions.keys()),
            pending=len(ours.pending),
            foreign=broker.foreign,
            differences=tuple(found),
        )
        self._store.put(result)
        self._report(result.differences, result.foreign)
        return result

    def newest(self) -> Reconciliation | None:
        """Return the newest stored result of any process; None before the first."""
        return self._store.newest()

    def differences(self) -> dict[str, float]:
        """Return the differences of the newest result by kind; nothing where no orders go out."""
        newest = self.newest() if self.is_live else None
        if newest is None:
            return {}
        kinds = [each.kind for each in newest.differences]
        return {kind.value: float(kinds.count(kind)) for kind in DifferenceKind}

    def age_seconds(self) -> float | None:
        """Return the age of the newest result, infinite before the first; None where no orders go out."""
        if not self.is_live:
            return None
        newest = self.newest()
        return float("inf") if newest is None else (self._clock() - newest.at).total_seconds()

    def _look(self) -> tuple[BrokerState, BookState, list[Difference]]:
        broker = self._broker.state(_PATIENCE_SECONDS)
        ours = self._store.state([order_of(tag) for tag in broker.book.orders])
        return broker, ours, compare(broker, ours, tolerance=self._tolerance)

    def _report(self, differences: Sequence[Difference], foreign: Sequence[ForeignOrder]) -> None:
        for each in differences[:_LOGGED]:
            log.error(
                "difference.found",
                kind=each.kind.value,
                subject=each.subject,
                broker=each.broker,
                database=each.database,
            )
        for order in foreign:
            if order.order_id not in self._foreign:
                self._foreign.add(order.order_id)
                log.warning(
                    "order.foreign",
                    broker_order_id=order.order_id,
                    contract=order.contract,
                    status=order.status,
                )
