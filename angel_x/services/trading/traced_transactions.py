"""Transactions as spans: claim, decide, record, commit and tell, each with the orders that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.operations.span import Tracer, note_orders
from angel_x.services.trading.transaction import C, Steps, Tell, Transactions
from angel_x.services.units import Unit, Units


class TracedTransactions(Transactions):
    """Runs transactions, each under a span with a child for each part."""

    def __init__(
        self, *, units: Units, tell: Tell, monotonic: Callable[[], float], tracer: Tracer
    ) -> None:
        super().__init__(
            units=_TracedUnits(units, tracer), tell=_traced(tell, tracer), monotonic=monotonic
        )
        self._tracer = tracer

    def run(
        self,
        claim: Callable[[Unit], C],
        decide: Callable[[Unit, C], bool],
        *,
        actor: str,
        steps: Steps,
    ) -> C:
        def claim_traced(unit: Unit) -> C:
            with self._tracer.span("claim") as span:
                claimed = claim(unit)
                note_orders(span, [order.id for order in claimed.orders])
                return claimed

        def decide_traced(unit: Unit, claimed: C) -> bool:
            with self._tracer.span("decide") as span:
                span.note("angel_x.orders", len(claimed.orders))
                return decide(unit, claimed)

        with self._tracer.span("transaction") as span:
            span.note("angel_x.actor", actor)
            return super().run(claim_traced, decide_traced, actor=actor, steps=steps)


def _traced(tell: Tell, tracer: Tracer) -> Tell:
    def tell_traced(book: Book, parents: Sequence[ParentOrder], elapsed_seconds: float) -> None:
        with tracer.span("tell") as span:
            span.note("angel_x.orders", book.orders_moved)
            tell(book, parents, elapsed_seconds)

    return tell_traced


class _TracedUnits:
    """Makes transactions that time their end."""

    def __init__(self, units: Units, tracer: Tracer) -> None:
        self._units = units
        self._tracer = tracer
        self.at = units.at
        self.wait_for = units.wait_for

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        with self._units.begin() as unit:
            yield _TracedUnit(unit, self._tracer)


class _TracedUnit:
    """Times the writing and the commit of a transaction."""

    def __init__(self, unit: Unit, tracer: Tracer) -> None:
        self._unit = unit
        self._tracer = tracer
        self.claim, self.busy, self.orders = unit.claim, unit.busy, unit.orders
        self.with_slices, self.holdings, self.abandoned = (
            unit.with_slices,
            unit.holdings,
            unit.abandoned,
        )
        self.expired, self.duplicates, self.unknown = unit.expired, unit.duplicates, unit.unknown
        self.release, self.await_opening = unit.release, unit.await_opening
        self.ask_again = unit.ask_again

    def record(self, book: Book, actor: str) -> Sequence[ParentOrder]:
        with self._tracer.span("record") as span:
            span.note("angel_x.orders", book.orders_moved)
            return self._unit.record(book, actor)

    def commit(self) -> None:
        with self._tracer.span("commit"):
            self._unit.commit()
