"""The one shape of a transaction over orders: claim, decide, record, commit, tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from angel_x.domain.book.book import Book
from angel_x.domain.orders.order import Order
from angel_x.domain.orders.step import Step
from angel_x.services.trading.aftermath import Aftermath
from angel_x.services.units import Unit, Units


class Claimed(Protocol):
    """Orders whose accounts are locked, and the book that they move in."""

    @property
    def orders(self) -> Sequence[Order]: ...
    @property
    def book(self) -> Book: ...


C = TypeVar("C", bound=Claimed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps that a transaction passes, where it has them."""

    found: Step | None = None
    decided: Step | None = None
    recorded: Step | None = None
    committed: Step | None = None
    told: Step | None = None


class Transactions:
    """Runs decisions; services say which orders are claimed and what is decided about them."""

    def __init__(
        self, *, units: Units, aftermath: Aftermath, monotonic: Callable[[], float]
    ) -> None:
        self._units = units
        self._aftermath = aftermath
        self._monotonic = monotonic

    def run(
        self,
        claim: Callable[[Unit], C],
        decide: Callable[[Unit, C], bool],
        *,
        actor: str,
        steps: Steps,
    ) -> C:
        """Decide what is claimed, make it durable and tell of it; return what was claimed.

        ``decide`` moves orders and returns whether there is something to commit.  Where there is
        not, or where it raises, nothing is kept and nothing is told.
        """
        with self._units.begin() as unit:
            claimed = claim(unit)
            started = self._monotonic()
            if claimed.orders:
                self._pass(steps.found)
            if not decide(unit, claimed):
                return claimed
            self._pass(steps.decided)
            if claimed.book.moves:
                unit.record(claimed.book, actor)
            self._pass(steps.recorded)
            unit.commit()
        self._pass(steps.committed)
        if claimed.book.moves:
            self._aftermath.tell(claimed.book, self._monotonic() - started)
        self._pass(steps.told)
        return claimed

    def read(self, claim: Callable[[Unit], C]) -> C:
        """Return what is claimed and let go of it."""
        with self._units.begin() as unit:
            return claim(unit)

    def at(self, step: Step) -> None:
        """Pass a step that lies outside every transaction."""
        self._units.at(step)

    def _pass(self, step: Step | None) -> None:
        if step is not None:
            self._units.at(step)
