"""The broker's names of contracts, found by a search and kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Lock

from angel_x.adapters.angel_one.records import Scrip
from angel_x.domain.contracts.contract import FUTURE, MONTHS, is_future, parse_expiry, parse_symbol
from angel_x.errors import BrokerRefused

_SEGMENT = "NFO"
_OPTION = re.compile(r"([A-Z0-9&-]+?)(\d{2}[A-Z]{3}\d{2})(\d+(?:\.\d+)?)(CE|PE)", re.ASCII)

#: Returns the contracts of an exchange whose trading symbols begin with a name.
Search = Callable[[str, str], list[Scrip]]


class SearchedScrips:
    """Finds contracts of NSE by their trading symbols; each is searched for once.

    Those of BSE have trading symbols that do not follow from their terms.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._lock = Lock()
        self._known: dict[str, Scrip] = {}

    def of(self, symbol: str) -> Scrip:
        """Return the broker's name of a contract.

        Raises:
            BrokerRefused: The broker has no contract of that name.
            BrokerError: The search failed.
        """
        with self._lock:
            if symbol not in self._known:
                self._known[symbol] = self._found(symbol)
            return self._known[symbol]

    def _found(self, symbol: str) -> Scrip:
        name = trading_symbol(symbol)
        for scrip in self._search(_SEGMENT, name):
            if scrip.trading_symbol == name:
                return scrip
        raise BrokerRefused(f"the broker must list the contract, was {symbol}")


def trading_symbol(symbol: str) -> str:
    """Return the broker's name of a contract of NSE, such as ``NIFTY25AUG2624050CE``."""
    underlying, expiry = parse_expiry(symbol)
    day = f"{expiry.day:02d}{MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"
    if is_future(symbol):
        return f"{underlying}{day}{FUTURE}"
    *_, strike, right = parse_symbol(symbol)
    return f"{underlying}{day}{strike:f}{right}"


def symbol_of(trading_symbol: str) -> str:
    """Return our symbol of an option of NSE; the broker's name where it is none.

    The last two digits before the strike are those of the year.
    """
    match = _OPTION.fullmatch(trading_symbol)
    if match is None:
        return trading_symbol
    underlying, day, strike, right = match.groups()
    return f"{underlying}_{day}_{strike}{right}"
