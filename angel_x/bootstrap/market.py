"""Contracts and market data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from angel_x.adapters.chain_files import read_chain
from angel_x.adapters.contract_files import read_contracts
from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.redis.feed_commands import RedisFeedCommands
from angel_x.adapters.redis.greeks_board import (
    RedisChainBoards,
    RedisGreeksBoard,
    RedisRiskBoard,
)
from angel_x.adapters.redis.market_clock import RedisFeedBeacon
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.adapters.redis.resting_contracts import RedisRestingContracts
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.adapters.universe_source import PublishedUniverse
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract_rules import ContractRules
from angel_x.domain.contracts.delivery import DeliveryRule
from angel_x.services.market.contracts import ContractListing
from angel_x.services.market.feed_ports import FeedPorts, ReadChain
from angel_x.services.trading.match_requests import MatchRequests

#: How long a contract counts as one in which orders rest.  The matcher looks at all of them every few
#: seconds.
_RESTING_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class MarketParts:
    """Contracts, the boards of quotes and Greeks, and the feed."""

    rules: Callable[[], ContractRules]
    delivery: Callable[[], DeliveryRule]
    universes: PublishedUniverse
    contracts: ContractListing
    #: Reads a recording, or one of its days.
    read_chain: ReadChain
    quotes: RedisQuoteBoard
    greeks_board: RedisGreeksBoard
    risk_board: RedisRiskBoard
    chain_boards: RedisChainBoards
    beacon: RedisFeedBeacon
    feed_commands: RedisFeedCommands
    feed_ports: FeedPorts
    resting: RedisRestingContracts


def build_market(base: Foundation) -> MarketParts:
    """Put together contracts, the boards of quotes and Greeks, and the feed."""
    rules = base.tables.rule(ContractRules.from_table, "contracts")
    pointer, listed = RedisUniversePointer(base.cache), SqlContracts(base.engine)
    universes = PublishedUniverse(pointer.get, listed.load, base.clock, TRANSIENT)
    quotes = RedisQuoteBoard(base.cache, ttl_seconds=base.settings.cache_ttl_market_data)
    beacon, feed_commands = RedisFeedBeacon(base.cache), RedisFeedCommands(base.cache)
    greeks_board = RedisGreeksBoard(base.cache, base.settings.cache_ttl_greeks)
    risk_board = RedisRiskBoard(base.cache, base.settings.cache_ttl_greeks)
    chain_boards = RedisChainBoards(base.cache, greeks_board, risk_board)
    resting = RedisRestingContracts(base.cache, base.clock, keep_seconds=_RESTING_SECONDS)
    return MarketParts(
        rules=rules,
        delivery=lambda: DeliveryRule(rules(), base.calendar),
        universes=universes,
        contracts=ContractListing(
            store=listed,
            publish=pointer.publish,
            rules=rules,
            calendar=base.calendar,
            market_clock=base.market_clock,
            read_file=lambda path, day, progress: read_contracts(
                path, day, progress, rules=rules(), calendar=base.calendar
            ),
        ),
        read_chain=lambda path, *, day=None: read_chain(
            path, rules(), base.calendar, base.market_clock().astimezone(IST).date(), day=day
        ),
        quotes=quotes,
        greeks_board=greeks_board,
        risk_board=risk_board,
        chain_boards=chain_boards,
        beacon=beacon,
        feed_commands=feed_commands,
        feed_ports=FeedPorts(
            # The feed is ahead: others use a universe when it is quoted.
            universes=PublishedUniverse(pointer.newest, listed.load, base.clock, TRANSIENT),
            board=quotes,
            beacon=beacon,
            take_command=feed_commands.take,
            clock=base.clock,
            calendar=base.calendar,
            meter=base.meter,
            carry=chain_boards.carry,
            announce=pointer.announce,
            match=MatchRequests(resting=resting, match=base.dispatcher.match).ask,
            outages=TRANSIENT,
        ),
        resting=resting,
    )
