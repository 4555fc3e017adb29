"""The broker's names and tokens of contracts and indices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.adapters.scrip_files import master_rows
from angel_x.domain.contracts import scrip_cells
from angel_x.domain.contracts.broker_contract import BrokerContract
from angel_x.domain.contracts.contract import format_future, format_symbol
from angel_x.errors import InvalidScripMaster

_NSE, _BSE = "NFO", "BFO"
#: Exchange segments of the socket, by those of the master.
_SEGMENTS = {_NSE: 2, _BSE: 4}
_FUTURE = "FUTIDX"
_CONTRACTS = frozenset({"OPTIDX", "OPTSTK", _FUTURE})
_TRADING_SYMBOL = re.compile(r"[A-Z0-9&.-]{1,40}", re.ASCII)
#: Source: SmartAPI, tokens of indices (NSE's are of segment 1, BSE's of segment 3).
INDICES: Mapping[str, Instrument] = {
    "NIFTY": Instrument(1, "99926000"),
    "BANKNIFTY": Instrument(1, "99926009"),
    "FINNIFTY": Instrument(1, "99926037"),
    "MIDCPNIFTY": Instrument(1, "99926074"),
    "NIFTYNXT50": Instrument(1, "99926013"),
    "SENSEX": Instrument(3, "99919000"),
    "BANKEX": Instrument(3, "99919012"),
}


def read_broker_contracts(path: Path) -> list[BrokerContract]:
    """Return the options and index futures in a scrip master; of one on both exchanges, that of NSE.

    Raises:
        InvalidScripMaster: With the row and the field of the first fault.
        OSError: The file cannot be opened.
    """
    listing = _Listing()
    for number, row in enumerate(master_rows(path), start=1):
        try:
            if isinstance(row, Mapping) and row.get("instrumenttype") in _CONTRACTS:
                listing.add(_read(row))
        except scrip_cells.FieldFault as fault:
            raise InvalidScripMaster(path.name, number, fault.field, str(fault)) from None
    return [*listing.contracts.values()]


def instruments(contracts: Iterable[BrokerContract]) -> dict[str, Instrument]:
    """Return the instrument of each contract, by our symbol."""
    return {each.symbol: _instrument(each) for each in contracts}


class _Listing:
    """The contracts of the rows so far, by our symbol."""

    def __init__(self) -> None:
        self.contracts: dict[str, BrokerContract] = {}
        self._tokens: set[str] = set()

    def add(self, contract: BrokerContract) -> None:
        """Add a contract.

        Raises:
            FieldFault: An earlier row has its symbol or its token: orders could go to the wrong contract.
        """
        token = f"{contract.exchange}{contract.token}"
        if token in self._tokens:
            raise scrip_cells.FieldFault("token", "must be that of one row", contract.token)
        self._tokens.add(token)
        other = self.contracts.get(contract.symbol)
        if other is not None and other.exchange == contract.exchange:
            raise scrip_cells.FieldFault(
                "symbol", "must name a contract once", contract.trading_symbol
            )
        # Both exchanges list some stocks, and the listed contract is that of NSE.
        if other is None or other.exchange == _BSE:
            self.contracts[contract.symbol] = contract


def _read(row: Mapping[str, object]) -> BrokerContract:
    underlying, expiry = scrip_cells.underlying(row), scrip_cells.expiry(row)
    if row["instrumenttype"] == _FUTURE:
        symbol = format_future(underlying, expiry)
    else:
        strike = scrip_cells.positive(row, "strike", "must be whole paise above 0")
        symbol = format_symbol(underlying, expiry, Decimal(strike) / 100, scrip_cells.right(row))
    exchange, trading_symbol, token = _names(row)
    return BrokerContract(symbol, underlying, expiry, exchange, trading_symbol, token)


def _names(row: Mapping[str, object]) -> tuple[str, str, str]:
    """Return exchange segment, trading symbol and token."""
    exchange, name, token = (scrip_cells.text(row, f) for f in ("exch_seg", "symbol", "token"))
    if exchange not in _SEGMENTS:
        raise scrip_cells.FieldFault("exch_seg", "must be NFO or BFO", exchange)
    if _TRADING_SYMBOL.fullmatch(name) is None:
        raise scrip_cells.FieldFault("symbol", "must be 1 to 40 capitals, digits, &, . or -", name)
    if not Instrument(_SEGMENTS[exchange], token).is_sound:
        raise scrip_cells.FieldFault("token", "must be 1 to 8 digits", token)
    return exchange, name, token


def _instrument(contract: BrokerContract) -> Instrument:
    return Instrument(_SEGMENTS[contract.exchange], contract.token)
