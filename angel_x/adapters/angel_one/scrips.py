"""The broker's names of contracts and ours: found by a search, and read from one another."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from threading import Lock

from angel_x.adapters.angel_one.records import Scrip
from angel_x.domain.contracts.contract import FUTURE, MONTHS, is_future, parse_expiry, parse_symbol
from angel_x.domain.exchange.charges import ChargeRates, Tariff
from angel_x.errors import BrokerRefused

_SEGMENT = "NFO"
_CONTRACT = re.compile(r"([A-Z0-9&-]+?)(\d{2}[A-Z]{3}\d{2})(\d+(?:\.\d+)?(?:CE|PE)|FUT)", re.ASCII)
#: The names of NSE have day, month and year, those of BSE year and month, and of weekly expiries the day.
_UNDERLYING = re.compile(
    r"([A-Z0-9&-]+?)\d{2}(?:[A-Z]{3}\d{2}|[A-Z]{3}FUT|[1-9OND]\d{3})", re.ASCII
)

#: Returns the contracts of an exchange whose trading symbols begin with a name.
Search = Callable[[str, str], list[Scrip]]
#: Returns our symbols by the broker's trading symbols, of those that are stored.
FindSymbols = Callable[[Collection[str]], Mapping[str, str]]


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
    """Return our symbol of an option or a future of NSE; the broker's name where it is neither.

    The last two digits before the strike are those of the year.
    """
    match = _CONTRACT.fullmatch(trading_symbol)
    return trading_symbol if match is None else "_".join(match.groups())


def symbols_of(trading_symbols: Collection[str], find: FindSymbols) -> dict[str, str]:
    """Return our symbol of each trading symbol: the stored one, else that of :func:`symbol_of`."""
    return {name: symbol_of(name) for name in trading_symbols} | {**find(trading_symbols)}


def rates_in(tariff: Tariff, trading_symbol: str, day: date) -> ChargeRates:
    """Return the charges of a contract on a day, by its trading symbol at either exchange."""
    rates = tariff.on_futures if trading_symbol.endswith(FUTURE) else tariff.on
    return rates(underlying_in(trading_symbol), day)


def underlying_in(trading_symbol: str) -> str:
    """Return the underlying of a trading symbol of either exchange; an underlying is its own."""
    match = _UNDERLYING.match(trading_symbol)
    return match[1] if match else trading_symbol
