"""Listing contracts: from a file or generated, stored and published to all processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias

import structlog

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from angel_x.domain.feed.chain_generator import generate_chain, generate_futures

if TYPE_CHECKING:
    from pathlib import Path

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.replaced import Replaced
    from angel_x.services.ports import Clock

log = structlog.get_logger()

#: As many symbols as a log line names.
_NAMED = 20

#: Called with the amount done and the total.
Progress = Callable[[int, int], None]


def no_progress(_done: int, _total: int) -> None:
    """Ignore progress."""


class ContractStore(Protocol):
    """The store of listed contracts."""

    def replace(self, universe: Universe) -> Replaced:
        """List these contracts and those with an open position or order, and no others."""

    def load(self) -> Universe:
        """Return the listed contracts."""


#: Returns the contracts in a file, as of a trading day.
ReadFile: TypeAlias = "Callable[[Path, date, Progress], ContractFile]"


@dataclass(frozen=True, slots=True)
class ListingResult:
    """The result of a load."""

    version: str
    listed: int
    unlisted: int
    #: One for each underlying and expiry.
    chains: int
    underlyings: int
    #: The number of rows that are no listed options, by kind.
    passed_over: Mapping[str, int]
    #: The number of contracts without a known freeze quantity, for which it is one lot.
    without_freeze: int
    #: Expiries beyond the last published list of holidays: a holiday may still move them.
    provisional_expiries: tuple[date, ...]
    #: Contracts that the file lacks, and that stay listed until nothing is held or open in them.
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractListing:
    """Lists contracts.  A second call with the same contracts changes nothing."""

    store: ContractStore
    #: Publishes to every process the version of the current universe.
    publish: Callable[[str], None]
    rules: Callable[[], ContractRules]
    calendar: TradingCalendar
    #: Market time decides which contracts have expired.
    market_clock: Clock
    read_file: ReadFile

    def load_file(self, path: Path, progress: Progress = no_progress) -> ListingResult:
        """List the contracts of a recorded chain or of a scrip master, and no others.

        A contract with an open position or order stays listed, so that it can be closed.

        Raises:
            InvalidChainFile: The recording has a fault; nothing was listed.
            InvalidScripMaster: The master has a fault; nothing was listed.
            OSError: The file cannot be opened.
        """
        return self._replace(self.read_file(path, self._trading_day, progress))

    def load_generated(
        self, underlying: str = "NIFTY", spot: Decimal = Decimal(24_000)
    ) -> ListingResult:
        """List a chain generated around ``spot`` for the next expiries, futures, and nothing else."""
        factory = ContractFactory(self.rules(), self.calendar, self._trading_day)
        chain = generate_chain(factory, underlying, spot)
        futures = generate_futures(factory, underlying)
        return self._replace(ContractFile(Universe((*chain, *futures))))

    def load_universe(self, plan: UniversePlan) -> ListingResult:
        """List a generated universe, and no other contracts.

        Raises:
            InvalidInput: The plan is invalid; nothing was listed.
        """
        made = generate_universe(plan, self.rules(), self.calendar, self._trading_day)
        return self._replace(ContractFile(made))

    def ensure(self) -> ListingResult | None:
        """List a generated chain, unless an unexpired option is listed."""
        listed = self.store.load()
        ends = listed.expires_at[: listed.option_count]
        if (ends > self.market_clock().timestamp()).any():
            return None
        return self.load_generated()

    @property
    def _trading_day(self) -> date:
        return self.market_clock().astimezone(IST).date()

    def _replace(self, file: ContractFile) -> ListingResult:
        unlisted, kept = self.store.replace(file.universe)
        if kept:
            log.warning("contracts.kept", symbols=kept[:_NAMED], contracts=len(kept))
        # Loaded again, so that the version is the one that every reader of the store computes.
        universe = self.store.load()
        self.publish(universe.version)
        log.info(
            "contracts.listed",
            version=universe.version,
            listed=len(universe),
            unlisted=unlisted,
            without_freeze=file.without_freeze,
        )
        return ListingResult(
            version=universe.version,
            listed=len(universe),
            unlisted=unlisted,
            chains=len(universe.chains),
            underlyings=len(universe.underlyings),
            passed_over=file.passed_over,
            without_freeze=file.without_freeze,
            provisional_expiries=tuple(
                sorted(filter(self.calendar.is_provisional, {c.expiry for c in universe.chains}))
            ),
            kept=kept,
        )
