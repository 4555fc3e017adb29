"""The broker's names of contracts in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from angel_x.adapters.postgres.broker_contracts import StoredNames
from angel_x.domain.contracts.broker_contract import BrokerContract


@dataclass
class MemoryBrokerContracts:
    """Stores names, and notes which chains are read."""

    rows: dict[str, tuple[datetime, BrokerContract]] = field(default_factory=dict)
    reads: list[tuple[str, date]] = field(default_factory=list)

    def store(
        self, contracts: Iterable[BrokerContract], master_at: datetime, day: date
    ) -> StoredNames:
        expired = [symbol for symbol, (_, each) in self.rows.items() if each.expiry < day]
        for symbol in expired:
            del self.rows[symbol]
        known = {each for _, each in self.rows.values()}
        changed = [each for each in contracts if each.expiry >= day and each not in known]
        self.rows.update({each.symbol: (master_at, each) for each in changed})
        return StoredNames(len(changed), len(expired))

    def chain(self, underlying: str, expiry: date) -> list[BrokerContract]:
        self.reads.append((underlying, expiry))
        rows = (each for _, each in self.rows.values())
        return sorted(
            each for each in rows if (each.underlying, each.expiry) == (underlying, expiry)
        )

    def symbols(self, trading_symbols: Collection[str]) -> dict[str, str]:
        # The newest row of a name is the last.
        rows = sorted(self.rows.values(), key=lambda row: (row[0], row[1]))
        found = (each for _, each in rows if each.trading_symbol in trading_symbols)
        return {each.trading_symbol: each.symbol for each in found}
