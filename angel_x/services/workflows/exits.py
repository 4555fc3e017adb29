"""Which orders lead out of positions, as the exchange takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.workflows.square_off import Exit, Holding, next_exits, sliced
from angel_x.services.intake.slicing import Slicing
from angel_x.services.ports import Clock, UniverseSource


@dataclass(frozen=True, slots=True)
class Exits:
    """Cuts the way out of positions into orders of at most the largest lot multiple."""

    universes: UniverseSource
    slicing: Slicing
    market_clock: Clock

    def unlisted(self, selection: OrderSelection) -> tuple[str, str] | None:
        """Return kind and name of what a selection names and nobody has listed, if it does."""
        universe = self.universes.current()
        if selection.symbol is not None and universe.row(selection.symbol) is None:
            return "symbol", selection.symbol
        if selection.underlying is not None and selection.underlying not in universe.underlyings:
            return "underlying", selection.underlying
        return None

    def of(self, held: Sequence[Holding]) -> Iterator[Exit]:
        """Yield what to send now; where there is a short position, nothing for the long ones."""
        universe, now = self.universes.current(), self.market_clock()
        for holding, side in next_exits(held):
            row = universe.row(holding.symbol)
            # What is unlisted is asked for all the same: the denial says what is wrong.
            largest = (
                abs(holding.quantity)
                if row is None
                else self.slicing.largest(universe.contracts[row], now)
            )
            yield from sliced(holding, side, largest)
