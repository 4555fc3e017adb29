"""The option chains of an underlying, read from the boards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.chains.chain_summary import summarize, volatility_of
from angel_x.domain.chains.option_chain import (
    Readings,
    age_of,
    contract_greeks,
    forward_of,
    forward_source_of,
    oldest_age,
    spot_of,
)
from angel_x.domain.chains.summary_record import ChainSummary
from angel_x.domain.contracts.universe import Chain, Universe
from angel_x.errors import UnknownContract
from angel_x.services.ports import Clock, QuoteBoard, UniverseSource
from angel_x.services.valuation_ports import ReadColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChains:
    """Reads chains; it neither prices nor changes anything.

    Each answer takes one read of each board, independent of the number of rows.
    """

    universes: UniverseSource
    quotes: QuoteBoard
    read_greeks: ReadColumns
    clock: Clock
    market_clock: Clock
    #: Returns whether a day is beyond the last published list of holidays.
    is_provisional: Callable[[date], bool]

    def chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """Return the chain of an expiry, by default the nearest that still trades.

        Raises:
            UnknownContract: The underlying or the expiry is not listed.
        """
        universe = self.universes.current()
        listed = _listed(universe, underlying)
        chosen = self._nearest(universe, listed) if expiry is None else _of(listed, expiry)
        readings, spot = self._read(universe, [chosen])
        now_ms = epoch_ms(self.clock())
        return OptionChain(
            underlying=underlying,
            spot=spot_of(spot),
            spot_age_seconds=age_of(spot, now_ms),
            forward=forward_of(readings.columns),
            forward_source=forward_source_of(readings.columns),
            atm_vol=volatility_of(universe, chosen, readings),
            expiry=chosen.expiry,
            lot_size=int(universe.lot_size[chosen.start]),
            expiries=tuple(chain.expiry for chain in listed),
            provisional_expiries=self._provisional(listed),
            age_seconds=oldest_age(readings.times, now_ms),
            rows=contract_greeks(universe, range(chosen.start, chosen.stop), readings, now_ms),
        )

    def contracts(self, symbols: Iterable[str]) -> dict[str, ContractGreeks]:
        """Return quote and Greeks by symbol; symbols that are not listed are left out."""
        universe = self.universes.current()
        found = ((symbol, universe.row(symbol)) for symbol in dict.fromkeys(symbols))
        rows = {symbol: row for symbol, row in found if row is not None}
        if not rows:
            return {}
        wanted = np.array(list(rows.values()), np.int64)
        quotes = self.quotes.read_rows(universe, wanted)
        readings = Readings(quotes, *self.read_greeks(universe, wanted))
        now_ms = epoch_ms(self.clock())
        read = contract_greeks(universe, list(rows.values()), readings, now_ms)
        return dict(zip(rows, read, strict=True))

    def summary(self, underlying: str, expiry: date | None = None) -> ChainSummary:
        """Return the summary of the chain of an expiry, by default of all expiries.

        Raises:
            UnknownContract: The underlying or the expiry is not listed.
        """
        universe = self.universes.current()
        listed = _listed(universe, underlying)
        wanted = listed if expiry is None else [_of(listed, expiry)]
        readings, quote = self._read(universe, wanted)
        now_ms, spot, first = epoch_ms(self.clock()), spot_of(quote), wanted[0].start
        return ChainSummary(
            underlying=underlying,
            spot=spot,
            spot_age_seconds=age_of(quote, now_ms),
            lot_size=int(universe.lot_size[first]),
            provisional_expiries=self._provisional(wanted),
            expiries=tuple(
                summarize(
                    universe,
                    chain,
                    readings.part(chain.start - first, chain.stop - first),
                    spot,
                    now_ms,
                )
                for chain in wanted
            ),
        )

    def _read(self, universe: Universe, chains: list[Chain]) -> tuple[Readings, np.void]:
        """Return the readings of neighboring chains, and the quote of their underlying."""
        rows = np.arange(chains[0].start, chains[-1].stop)
        market = self.quotes.read_market(universe, rows)
        spot = market.spots[universe.underlyings.index(chains[0].underlying)]
        return Readings(market.quotes, *self.read_greeks(universe, rows)), spot

    def _provisional(self, listed: list[Chain]) -> tuple[date, ...]:
        return tuple(chain.expiry for chain in listed if self.is_provisional(chain.expiry))

    def _nearest(self, universe: Universe, listed: list[Chain]) -> Chain:
        """Return the first chain that still trades, the last where none does."""
        now = self.market_clock().timestamp()
        trading = (chain for chain in listed if universe.expires_at[chain.start] > now)
        return next(trading, listed[-1])


def _listed(universe: Universe, underlying: str) -> list[Chain]:
    """Return the chains of an underlying, which stand beside each other, the nearest first."""
    listed = [chain for chain in universe.chains if chain.underlying == underlying]
    if not listed:
        raise UnknownContract("underlying", underlying)
    return listed


def _of(listed: list[Chain], expiry: date) -> Chain:
    for chain in listed:
        if chain.expiry == expiry:
            return chain
    raise UnknownContract("expiry", expiry.isoformat())
