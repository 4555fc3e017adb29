"""Greeks, chains and portfolios."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
from angel_x.adapters.postgres.minute_quotes import PostgresMinuteQuotes
from angel_x.adapters.postgres.open_contracts import OpenContracts
from angel_x.adapters.postgres.portfolios import PostgresPortfolios
from angel_x.adapters.postgres.settlements import PostgresSettlements
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.bootstrap.kernels import choose_kernels
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.order_parts import OrderParts
from angel_x.domain.margin.span import span_table
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.values.dated import Dated, Following
from angel_x.services.accounts.portfolio import Portfolios
from angel_x.services.market.minute_quotes import MinuteSampling, MinuteSeries
from angel_x.services.pricing.greeks import Greeks
from angel_x.services.pricing.greeks_archive import GreeksArchive
from angel_x.services.pricing.option_chain import OptionChains
from angel_x.services.pricing.watched_contracts import WatchedContracts

#: The age up to which the stored portfolio of an account is left that has no listener.
_UNWATCHED_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Analytics:
    """Greeks, chains and portfolios."""

    greeks: Greeks
    greeks_archive: GreeksArchive
    option_chains: OptionChains
    watched_contracts: WatchedContracts
    portfolios: Portfolios
    minute_sampling: MinuteSampling
    minute_series: MinuteSeries


def build_analytics(base: Foundation, market: MarketParts, orders: OrderParts) -> Analytics:
    """Put together the services that price and value."""
    model = PricingModel(base.settings.pricing_model)
    rates = Following(base.tables.rule(partial(interest_rates, model), "rates"))
    minutes = PostgresMinuteQuotes(base.engine)
    return Analytics(
        greeks=_greeks(base, market, model, rates),
        greeks_archive=GreeksArchive(
            universes=market.universes,
            read_greeks=market.greeks_board.read_rows,
            snapshots=PostgresGreeksSnapshots(base.engine),
            meter=base.meter,
            clock=base.clock,
            retention=timedelta(days=base.settings.greeks_retention_days),
            outages=TRANSIENT,
        ),
        option_chains=OptionChains(
            universes=market.universes,
            quotes=market.quotes,
            read_greeks=market.greeks_board.read_rows,
            clock=base.clock,
            market_clock=base.market_clock,
            is_provisional=base.calendar.is_provisional,
        ),
        watched_contracts=WatchedContracts(
            universes=market.universes,
            quotes=market.quotes,
            read_greeks=market.greeks_board.read_rows,
            clock=base.clock,
        ),
        portfolios=Portfolios(
            store=PostgresPortfolios(base.engine),
            cache=orders.portfolio_cache,
            universes=market.universes,
            quotes=market.quotes,
            read_greeks=market.greeks_board.read_rows,
            dispatcher=base.dispatcher,
            publish=base.events.publish,
            meter=base.meter,
            clock=base.clock,
            market_clock=base.market_clock,
            rates=rates,
            watched=base.events.watched,
            turns=max(1, round(_UNWATCHED_SECONDS / base.settings.portfolio_pace_seconds)),
            model=model,
            read_levels=PostgresSettlements(base.engine).levels,
            closes_at=base.calendar.expires_at,
            delivery=market.delivery,
            unreachable=TRANSIENT,
        ),
        minute_sampling=_minute_sampling(base, market, minutes),
        minute_series=MinuteSeries(
            universes=market.universes, store=minutes, market_clock=base.market_clock
        ),
    )


def interest_rates(model: PricingModel, rates: Any) -> Dated[float]:  # noqa: ANN401 - a parsed table
    """Return the interest rate a year that a model discounts with, by day."""
    rows = rates["exchange" if model is PricingModel.EXCHANGE else "risk_free"]
    return Dated((date.fromisoformat(row["from"]), float(row["rate"])) for row in rows)


def _greeks(
    base: Foundation, market: MarketParts, model: PricingModel, rates: Dated[float]
) -> Greeks:
    settings = base.settings
    return Greeks(
        universes=market.universes,
        quotes=market.quotes,
        read_greeks=market.greeks_board.read_rows,
        boards=market.chain_boards,
        dispatcher=base.dispatcher,
        meter=base.meter,
        clock=base.clock,
        market_time=base.market_clock.at,
        rates=rates,
        spans=Following(base.tables.rule(span_table, "margin", "volatility")),
        ttl_seconds=settings.cache_ttl_greeks,
        refresh_seconds=settings.greeks_pace_seconds,
        max_quote_age_seconds=settings.cache_ttl_market_data,
        model=model,
        # Made on first use, by Greeks workers only: compiling is too expensive for other processes.
        kernels=partial(choose_kernels, settings.pricing_backend),
        outages=TRANSIENT,
    )


def _minute_sampling(
    base: Foundation, market: MarketParts, store: PostgresMinuteQuotes
) -> MinuteSampling:
    return MinuteSampling(
        universes=market.universes,
        quotes=market.quotes,
        find_held=OpenContracts(base.engine).find,
        store=store,
        is_open=base.hours.is_open,
        clock=base.clock,
        market_clock=base.market_clock,
        max_quote_age_seconds=base.settings.cache_ttl_market_data,
        retention=timedelta(days=base.settings.minute_quotes_retention_days),
        outages=TRANSIENT,
    )
