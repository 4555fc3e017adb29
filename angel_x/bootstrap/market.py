"""Contracts and market data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from angel_x.adapters.chain_files import read_chain
from angel_x.adapters.contract_files import read_contracts
from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.redis.feed_commands import RedisFeedCommands
from angel_x.adapters.redis.greeks_board import RedisGreeksBoard, RedisRiskBoard
from angel_x.adapters.redis.market_clock import RedisFeedBeacon
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.adapters.universe_source import PublishedUniverse
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.domain.contracts.contract_rules import ContractRules
from angel_x.domain.feed.replay import RecordedChain
from angel_x.services.market.contracts import ContractListing
from angel_x.services.market.feed_ports import FeedPorts
from config.market import table


class MarketParts(Foundation):
    """Where contracts and quotes come from and go to."""

    @cached_property
    def _rules(self) -> ContractRules:
        return ContractRules.from_table(table("contracts"))

    @cached_property
    def _pointer(self) -> RedisUniversePointer:
        return RedisUniversePointer(self.cache)

    @cached_property
    def _listed(self) -> SqlContracts:
        return SqlContracts(self.engine)

    @cached_property
    def universes(self) -> PublishedUniverse:
        return PublishedUniverse(self._pointer, self._listed, self.clock, TRANSIENT)

    @cached_property
    def read_chain(self) -> Callable[[Path], RecordedChain]:
        return partial(read_chain, rules=self._rules, calendar=self.calendar)

    @cached_property
    def contracts(self) -> ContractListing:
        return ContractListing(
            store=self._listed,
            pointer=self._pointer,
            rules=self._rules,
            calendar=self.calendar,
            clock=self.clock,
            read_file=partial(read_contracts, rules=self._rules, calendar=self.calendar),
        )

    @cached_property
    def _quotes(self) -> RedisQuoteBoard:
        return RedisQuoteBoard(self.cache, ttl_seconds=self.settings.cache_ttl_market_data)

    @cached_property
    def _greeks_board(self) -> RedisGreeksBoard:
        return RedisGreeksBoard(self.cache, self.settings.cache_ttl_greeks)

    @cached_property
    def _risk_board(self) -> RedisRiskBoard:
        return RedisRiskBoard(self.cache, self.settings.cache_ttl_greeks)

    @cached_property
    def beacon(self) -> RedisFeedBeacon:
        return RedisFeedBeacon(self.cache)

    @cached_property
    def feed_commands(self) -> RedisFeedCommands:
        return RedisFeedCommands(self.cache)

    @cached_property
    def feed_ports(self) -> FeedPorts:
        return FeedPorts(
            universes=self.universes,
            board=self._quotes,
            beacon=self.beacon,
            commands=self.feed_commands,
            clock=self.clock,
            calendar=self.calendar,
            meter=self.meter,
            match=self.dispatcher.match,
            outages=TRANSIENT,
        )
