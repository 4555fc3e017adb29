"""Scenarios and strategies of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from angel_x.adapters.postgres.account_history import AccountHistory
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.analytics import Analytics, interest_rates
from angel_x.bootstrap.foundation import Foundation
from angel_x.bootstrap.market import MarketParts
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.margin.span import span_table
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.values.dated import Following
from angel_x.services.accounts.leg_market import LegMarkets
from angel_x.services.accounts.scenarios import Scenarios
from angel_x.services.accounts.strategies import Strategies
from angel_x.services.accounts.strategy_plans import StrategyPlans


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The parts that answer questions about books, and change nothing."""

    scenarios: Scenarios
    strategies: Strategies
    plans: StrategyPlans


def build_questions(
    base: Foundation, market: MarketParts, people: AccountParts, analytics: Analytics
) -> Questions:
    """Put together scenarios and strategies."""
    model = PricingModel(base.settings.pricing_model)
    markets = LegMarkets(
        universes=market.universes,
        quotes=market.quotes,
        read_greeks=market.greeks_board.read_rows,
        market_clock=base.market_clock,
        rates=Following(base.tables.rule(partial(interest_rates, model), "rates")),
        model=model,
    )
    margin = base.tables.rule(SpanMargin.from_tables, "margin", "volatility")
    return Questions(
        scenarios=Scenarios(
            positions=people.reading.positions,
            markets=markets,
            spans=Following(base.tables.rule(span_table, "margin", "volatility")),
            margin=lambda rows, today: margin().unit_risks(rows, today),
        ),
        strategies=Strategies(
            positions=people.reading.positions,
            moves=AccountHistory(base.engine).moves,
            tariff=base.tables.rule(Tariff.from_tables, "charges", "contracts"),
            markets=markets,
        ),
        plans=StrategyPlans(chain=analytics.option_chains.chain, markets=markets),
    )
