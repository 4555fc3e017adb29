"""Listing contracts: from a file or from the rules, into the store, and made known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import structlog

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from angel_x.domain.feed.chain_generator import generate_chain

if TYPE_CHECKING:
    from pathlib import Path

    from angel_x.domain.calendar.session import TradingCalendar

log = structlog.get_logger()

#: Told how much was done, of how much.
Progress = Callable[[int, int], None]


def untold(_done: int, _total: int) -> None:
    """Tell nobody."""


class ContractStore(Protocol):
    """Where contracts are kept."""

    def replace(self, universe: Universe) -> int:
        """List exactly these contracts and return how many were unlisted by it."""

    def load(self) -> Universe:
        """Return the listed contracts."""


class FileReader(Protocol):
    """Reads files of contracts."""

    def __call__(self, path: Path, trading_day: date, progress: Progress) -> ContractFile:
        """Return what is in a file, telling on the way how much of it was read."""


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
    underlyings: int
    #: Rows of the file that are something else, by what they are.
    passed_over: Mapping[str, int]
    #: Contracts whose freeze quantity is one lot because none is known.
    without_freeze: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractListing:
    """Lists contracts.  A second call with the same contracts changes nothing."""

    store: ContractStore
    pointer: UniversePointer
    rules: ContractRules
    calendar: TradingCalendar
    clock: Callable[[], datetime]
    read_file: FileReader

    def load_file(self, path: Path, progress: Progress = untold) -> Listing:
        """List the contracts of a recorded chain or of a scrip master, and no others.

        Raises:
            InvalidChainFile: The recording is wrong somewhere; nothing was listed.
            InvalidScripMaster: The master is wrong somewhere; nothing was listed.
            OSError: The file cannot be opened.
        """
        return self._replace(self.read_file(path, self._trading_day, progress))

    def load_generated(self, underlying: str = "NIFTY", spot: Decimal = Decimal(24_000)) -> Listing:
        """List a chain made around ``spot`` for the next expiries, and no other contracts."""
        factory = ContractFactory(self.rules, self.calendar, self._trading_day)
        chain = generate_chain(factory, underlying, spot)
        return self._replace(ContractFile(Universe(chain)))

    def load_universe(self, plan: UniversePlan) -> Listing:
        """List a universe made by a plan, and no other contracts.

        Raises:
            InvalidInput: The plan cannot be followed; nothing was listed.
        """
        made = generate_universe(plan, self.rules, self.calendar, self._trading_day)
        return self._replace(ContractFile(made))

    def ensure(self) -> Listing | None:
        """List a generated chain unless a contract that has not expired is listed already."""
        if (self.store.load().expires_at > self.clock().timestamp()).any():
            return None
        return self.load_generated()

    @property
    def _trading_day(self) -> date:
        return self.clock().astimezone(IST).date()

    def _replace(self, file: ContractFile) -> Listing:
        unlisted = self.store.replace(file.universe)
        # From what was stored, so that every reader of the store arrives at the same version.
        universe = self.store.load()
        self.pointer.publish(universe.version)
        log.info(
            "contracts.listed",
            version=universe.version,
            listed=len(universe),
            unlisted=unlisted,
            without_freeze=file.without_freeze,
        )
        return Listing(
            version=universe.version,
            listed=len(universe),
            unlisted=unlisted,
            chains=len(universe.chains),
            underlyings=len(universe.underlyings),
            passed_over=file.passed_over,
            without_freeze=file.without_freeze,
        )
