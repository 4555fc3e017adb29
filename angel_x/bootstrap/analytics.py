"""Greeks, chains and portfolios."""

from __future__ import annotations

from datetime import date
from functools import cached_property

from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
from angel_x.adapters.postgres.portfolios import PostgresPortfolios
from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.bootstrap.controls import ControlParts
from angel_x.domain.dated import Dated
from angel_x.domain.session import IST
from angel_x.services.greeks import Greeks
from angel_x.services.option_chain import OptionChains
from angel_x.services.portfolio import Portfolios
from config.market import table


class AnalyticsParts(ControlParts):
    """Greeks, chains and portfolios."""

    @cached_property
    def _greeks_board(self) -> RedisGreeksBoard:
        return RedisGreeksBoard(self.cache, self.settings.cache_ttl_greeks)

    @cached_property
    def _rate(self) -> float:
        return _rate_on(self.clock().astimezone(IST).date())

    @cached_property
    def greeks(self) -> Greeks:
        return Greeks(
            universes=self.universes,
            quotes=self._quotes,
            board=self._greeks_board,
            snapshots=PostgresGreeksSnapshots(self.engine),
            dispatcher=self.dispatcher,
            meter=self.meter,
            clock=self.clock,
            market_clock=self.market_clock,
            rate=self._rate,
            ttl_seconds=self.settings.cache_ttl_greeks,
        )

    @cached_property
    def option_chains(self) -> OptionChains:
        return OptionChains(
            universes=self.universes,
            quotes=self._quotes,
            greeks=self._greeks_board,
            clock=self.clock,
            market_clock=self.market_clock,
        )

    @cached_property
    def portfolios(self) -> Portfolios:
        return Portfolios(
            store=PostgresPortfolios(self.engine),
            cache=self._portfolio_cache,
            universes=self.universes,
            quotes=self._quotes,
            greeks=self._greeks_board,
            dispatcher=self.dispatcher,
            events=self.events,
            meter=self.meter,
            clock=self.clock,
            market_clock=self.market_clock,
            rate=self._rate,
        )


def _rate_on(day: date) -> float:
    rows = table("rates")["risk_free"]
    return Dated((date.fromisoformat(r["from"]), float(r["rate"])) for r in rows).on(day)
