"""Exits: orders that close positions, within the exchange's freeze quantity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.workflows.square_off import ExitOrder, Holding, next_exits, sliced
from angel_x.services.intake.slicing import Slicing
from angel_x.services.ports import Clock, UniverseSource


@dataclass(frozen=True, slots=True)
class Exits:
    """Splits the closing of positions into orders of at most the largest allowed lot multiple."""

    universes: UniverseSource
    slicing: Slicing
    market_clock: Clock

    def unlisted(self, selection: OrderSelection) -> tuple[str, str] | None:
        """Return kind and name of the unlisted symbol or underlying of a selection, None if listed."""
        universe = self.universes.current()
        if selection.symbol is not None and universe.row(selection.symbol) is None:
            return "symbol", selection.symbol
        if selection.underlying is not None and selection.underlying not in universe.underlyings:
            return "underlying", selection.underlying
        return None

    def of(self, held: Sequence[Holding]) -> Iterator[ExitOrder]:
        """Yield the exits to send now; long positions only once there is no short one."""
        universe, now = self.universes.current(), self.market_clock()
        for holding, side in next_exits(held):
            row = universe.row(holding.symbol)
            # An unlisted contract gets an order too: its denial has the reason.
            largest = (
                abs(holding.quantity)
                if row is None
                else self.slicing.largest(universe.contracts[row], now)
            )
            yield from sliced(holding, side, largest)
