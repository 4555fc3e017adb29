"""Listing contracts: from a recording or from the rules, into the store, and made known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import structlog

from angel_x.domain.chain_generator import generate_chain
from angel_x.domain.contract_rules import ContractFactory, ContractRules
from angel_x.domain.session import IST
from angel_x.domain.universe import Universe

if TYPE_CHECKING:
    from pathlib import Path

    from angel_x.domain.contract import Contract
    from angel_x.domain.replay import RecordedChain
    from angel_x.domain.session import TradingCalendar

log = structlog.get_logger()


class ContractStore(Protocol):
    """Where contracts are kept."""

    def replace(self, contracts: Sequence[Contract]) -> int:
        """List exactly these contracts and return how many were unlisted by it."""

    def load(self) -> Iterable[Contract]:
        """Return the listed contracts."""


class UniversePointer(Protocol):
    """Where processes look which universe is current."""

    def publish(self, version: str) -> None:
        """Tell every process that this version is current."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a load has done."""

    version: str
    listed: int
    unlisted: int
    #: One for each underlying and expiry.
    chains: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractListing:
    """Lists contracts.  A second call with the same contracts changes nothing."""

    store: ContractStore
    pointer: UniversePointer
    rules: ContractRules
    calendar: TradingCalendar
    clock: Callable[[], datetime]
    read_chain: Callable[[Path], RecordedChain]

    def load_file(self, path: Path) -> Listing:
        """List the contracts of a recorded chain, and no others.

        Raises:
            InvalidChainFile: The file is wrong somewhere; nothing was listed.
        """
        return self._replace(self.read_chain(path).universe.contracts)

    def load_generated(self, underlying: str = "NIFTY", spot: Decimal = Decimal(24_000)) -> Listing:
        """List a chain made around ``spot`` for the next expiries, and no other contracts."""
        trading_day = self.clock().astimezone(IST).date()
        factory = ContractFactory(self.rules, self.calendar, trading_day)
        return self._replace(generate_chain(factory, underlying, spot))

    def ensure(self) -> Listing | None:
        """List a generated chain unless a contract that has not expired is listed already."""
        now = self.clock()
        if any(contract.expires_at > now for contract in self.store.load()):
            return None
        return self.load_generated()

    def _replace(self, contracts: Sequence[Contract]) -> Listing:
        unlisted = self.store.replace(contracts)
        # From what was stored, so that every reader of the store arrives at the same version.
        universe = Universe(self.store.load())
        self.pointer.publish(universe.version)
        listing = Listing(universe.version, len(universe), unlisted, len(universe.chains))
        log.info(
            "contracts.listed", version=listing.version, listed=listing.listed, unlisted=unlisted
        )
        return listing
