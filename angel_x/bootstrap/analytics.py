"""Greeks, chains and portfolios."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property

from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
from angel_x.adapters.postgres.portfolios import PostgresPortfolios
from angel_x.adapters.redis.greeks_board import RedisChainBoards
from angel_x.bootstrap.controls import ControlParts
from angel_x.bootstrap.foundation import TRANSIENT
from angel_x.domain.margin.span import span_table
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.values.dated import Dated
from angel_x.services.accounts.portfolio import Portfolios
from angel_x.services.pricing.greeks import Greeks
from angel_x.services.pricing.greeks_archive import GreeksArchive
from angel_x.services.pricing.option_chain import OptionChains
from config.market import table


class AnalyticsParts(ControlParts):
    """Greeks, chains and portfolios."""

    @cached_property
    def _model(self) -> PricingModel:
        return PricingModel(self.settings.pricing_model)

    @cached_property
    def _rates(self) -> Dated[float]:
        rows = table("rates")["exchange" if self._model is PricingModel.EXCHANGE else "risk_free"]
        return Dated((date.fromisoformat(row["from"]), float(row["rate"])) for row in rows)

    @cached_property
    def greeks(self) -> Greeks:
        return Greeks(
            universes=self.universes,
            quotes=self._quotes,
            board=self._greeks_board,
            boards=RedisChainBoards(self.cache, self._greeks_board, self._risk_board),
            dispatcher=self.dispatcher,
            meter=self.meter,
            clock=self.clock,
            market_time=self.market_clock.at,
            rates=self._rates,
            spans=span_table(table("margin")["span"]),
            ttl_seconds=self.settings.cache_ttl_greeks,
            refresh_seconds=self.settings.greeks_pace_seconds,
            max_quote_age_seconds=self.settings.cache_ttl_market_data,
            model=self._model,
            kernels=lambda: self.kernels,
            outages=TRANSIENT,
        )

    @cached_property
    def greeks_archive(self) -> GreeksArchive:
        return GreeksArchive(
            universes=self.universes,
            board=self._greeks_board,
            snapshots=PostgresGreeksSnapshots(self.engine),
            meter=self.meter,
            clock=self.clock,
            retention=timedelta(days=self.settings.greeks_retention_days),
            outages=TRANSIENT,
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
            rates=self._rates,
            model=self._model,
        )
