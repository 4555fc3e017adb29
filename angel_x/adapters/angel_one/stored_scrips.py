"""The broker's names of contracts, from the scrip master that is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from math import inf
from threading import Lock
from typing import NamedTuple

import structlog

from angel_x.adapters.angel_one.records import Scrip
from angel_x.domain.contracts.broker_contract import BrokerContract
from angel_x.domain.contracts.contract import parse_expiry
from angel_x.errors import BrokerUnavailable

log = structlog.get_logger()

#: The longest time until a process follows a newer master.
_KEEP_SECONDS = 60.0
#: The same for a contract that was not there: a read costs less than a search.
_MISSING_SECONDS = 1.0

#: Returns the stored contracts of an underlying and an expiry.
ReadChain = Callable[[str, date], Iterable[BrokerContract]]


class _Chain(NamedTuple):
    scrips: Mapping[str, Scrip]
    #: By the monotonic clock.
    read_at: float


#: A chain that was never read.
_NONE = _Chain({}, -inf)


class StoredScrips:
    """Finds contracts without a request: one read for a whole chain, which is kept for a minute.

    A contract without a stored name is searched for at the broker.  Threads may share it.
    """

    def __init__(
        self,
        read_chain: ReadChain,
        search: Callable[[str], Scrip],
        *,
        outages: tuple[type[Exception], ...],
        monotonic: Callable[[], float],
    ) -> None:
        self._read_chain = read_chain
        self._search = search
        self._outages = outages
        self._monotonic = monotonic
        self._lock = Lock()
        self._chains: dict[tuple[str, date], _Chain] = {}

    def of(self, symbol: str) -> Scrip:
        """Return the broker's name of a contract.

        While the names cannot be read, those of the last read count.

        Raises:
            BrokerRefused: No name is stored, and the broker has no contract of that name.
            BrokerError: The names cannot be read, or the search failed.
        """
        with self._lock:
            stored = self._stored(symbol)
        return stored or self._search(symbol)

    def _stored(self, symbol: str) -> Scrip | None:
        key, now = parse_expiry(symbol), self._monotonic()
        known = self._chains.get(key, _NONE)
        found = known.scrips.get(symbol)
        if now < known.read_at + (_MISSING_SECONDS if found is None else _KEEP_SECONDS):
            return found
        try:
            scrips = {each.symbol: _scrip(each) for each in self._read_chain(*key)}
        except self._outages as error:
            if found is None:
                raise BrokerUnavailable("the stored names of contracts cannot be read") from error
            log.warning("broker_contracts.unread", error=str(error))
            return found
        self._keep(key, _Chain(scrips, now))
        return scrips.get(symbol)

    def _keep(self, key: tuple[str, date], chain: _Chain) -> None:
        """Keep a chain, and forget those that are out of use."""
        oldest = chain.read_at - _KEEP_SECONDS
        self._chains = {k: each for k, each in self._chains.items() if each.read_at > oldest}
        self._chains[key] = chain


def _scrip(contract: BrokerContract) -> Scrip:
    return Scrip(contract.exchange, contract.trading_symbol, contract.token)
