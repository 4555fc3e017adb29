"""The common form of a transaction over orders: claim, decide, record, commit, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.orders.order import Order
from angel_x.domain.orders.step import Step
from angel_x.services.units import Unit, Units


class Claimed(Protocol):
    """Orders whose accounts are locked, and their book."""

    @property
    def orders(self) -> Sequence[Order]: ...
    @property
    def book(self) -> Book: ...


C = TypeVar("C", bound=Claimed)

#: Publishes a committed book with the parent orders that followed, and the seconds since it was read.
Tell = Callable[[Book, Sequence[ParentOrder], float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps that a transaction passes, where it has them."""

    found: Step | None = None
    decided: Step | None = None
    recorded: Step | None = None
    committed: Step | None = None
    told: Step | None = None


class Transactions:
    """Runs transactions; services supply the claim and the decision."""

    def __init__(self, *, units: Units, tell: Tell, monotonic: Callable[[], float]) -> None:
        self._units = units
        self._tell = tell
        self._monotonic = monotonic

    def run(
        self,
        claim: Callable[[Unit], C],
        decide: Callable[[Unit, C], bool],
        *,
        actor: str,
        steps: Steps,
    ) -> C:
        """Claim orders, decide, commit and publish; return the claim.

        ``decide`` moves orders and returns whether there is something to commit.  If not, or if it
        raises, nothing is stored and nothing is published.
        """
        with self._units.begin() as unit:
            claimed = claim(unit)
            started = self._monotonic()
            if claimed.orders:
                self._pass(steps.found)
            if not decide(unit, claimed):
                return claimed
            self._pass(steps.decided)
            claimed.book.cap_margins()
            parents = unit.record(claimed.book, actor) if claimed.book.moves else ()
            self._pass(steps.recorded)
            unit.commit()
        self._pass(steps.committed)
        if claimed.book.moves:
            self._tell(claimed.book, parents, self._monotonic() - started)
        self._pass(steps.told)
        return claimed

    def read(self, claim: Callable[[Unit], C]) -> C:
        """Return a claim and release its locks."""
        with self._units.begin() as unit:
            return claim(unit)

    def at(self, step: Step) -> None:
        """Pass a step outside of transactions."""
        self._units.at(step)

    def _pass(self, step: Step | None) -> None:
        if step is not None:
            self._units.at(step)
