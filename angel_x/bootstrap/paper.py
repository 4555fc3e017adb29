"""The paper exchange: its market, its rules, and the board of displayed sizes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from angel_x.adapters.redis.liquidity import RedisLiquidity
from angel_x.bootstrap.foundation import Foundation
from angel_x.bootstrap.market import MarketParts
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.protection import Protection
from angel_x.domain.exchange.slippage import Slippage
from angel_x.services.trading.paper_market import PaperMarket
from angel_x.services.trading.paper_rules import PaperRules
from config.settings import Settings

if TYPE_CHECKING:
    from angel_x.domain.quotes.liquidity import LiquidityBoard
    from angel_x.services.trading.displayed_size import FindMarketable


def paper_market(
    base: Foundation, market: MarketParts, board: LiquidityBoard, find_marketable: FindMarketable
) -> PaperMarket:
    """Return a paper market by the rules of the settings, which takes displayed sizes of a board."""
    return PaperMarket(
        universes=market.universes,
        quotes=market.quotes,
        liquidity=board,
        find_marketable=find_marketable,
        rules=base.tables.rule(
            partial(_paper_rules, base.settings), "charges", "contracts", "price_bands"
        ),
        clock=base.clock,
        market_clock=base.market_clock,
        hours=base.hours,
    )


def liquidity(base: Foundation) -> RedisLiquidity:
    """Return the board of the displayed sizes that are taken."""
    return RedisLiquidity(base.cache, ttl_seconds=base.settings.cache_ttl_market_data)


def _paper_rules(settings: Settings, charges: Any, contracts: Any, bands: Any) -> PaperRules:  # noqa: ANN401 - parsed tables
    seed = settings.paper_seed
    return PaperRules(
        charges=Tariff.from_tables(charges, contracts),
        protection=Protection.from_table(bands),
        slippage=Slippage(settings.paper_slippage_ticks, seed),
        latency=Latency(settings.paper_latency_ms, settings.paper_latency_jitter_ms, seed),
        max_quote_age_seconds=settings.cache_ttl_market_data,
    )
