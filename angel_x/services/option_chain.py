"""The option chain of an underlying, read from the boards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from angel_x.domain.expiry import epoch_ms
from angel_x.domain.option_chain import (
    OptionChain,
    Readings,
    contract_greeks,
    forward_of,
    oldest_age,
    spot_of,
)
from angel_x.domain.universe import Chain, Universe
from angel_x.errors import UnknownContract
from angel_x.services.ports import Clock, QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import GreeksByRow


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChains:
    """Reads chains; nothing here computes or changes anything."""

    universes: UniverseSource
    quotes: QuoteBoard
    greeks: GreeksByRow
    clock: Clock
    market_clock: Clock

    def chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """Return the chain of an expiry, by default the nearest that still trades.

        One read of each board, however many rows the chain has.

        Raises:
            UnknownContract: The underlying or the expiry is not listed.
        """
        universe = self.universes.current()
        listed = [chain for chain in universe.chains if chain.underlying == underlying]
        chosen = self._choose(universe, listed, underlying, expiry)
        rows = np.arange(chosen.start, chosen.stop)
        quotes = self.quotes.read_rows(universe, rows)
        spots = self.quotes.spots(universe)
        readings = Readings(quotes, *self.greeks.read_rows(universe, rows))
        now_ms = epoch_ms(self.clock())
        return OptionChain(
            underlying=underlying,
            spot=spot_of(spots[universe.underlyings.index(underlying)]),
            forward=forward_of(readings.columns),
            expiry=chosen.expiry,
            lot_size=universe.contracts[chosen.start].lot_size,
            expiries=tuple(chain.expiry for chain in listed),
            age_seconds=oldest_age(readings.times, now_ms),
            rows=contract_greeks(universe, rows.tolist(), readings, now_ms),
        )

    def _choose(
        self, universe: Universe, listed: list[Chain], underlying: str, expiry: date | None
    ) -> Chain:
        if not listed:
            raise UnknownContract("underlying", underlying)
        if expiry is None:
            now = self.market_clock()
            trading = (c for c in listed if universe.contracts[c.start].expires_at > now)
            return next(trading, listed[-1])
        for chain in listed:
            if chain.expiry == expiry:
                return chain
        raise UnknownContract("expiry", expiry.isoformat())
