"""The broker's tokens of contracts and indices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.adapters.scrip_files import master_rows
from angel_x.domain.contracts import scrip_cells
from angel_x.domain.contracts.contract import format_future, format_symbol
from angel_x.errors import InvalidScripMaster

#: Exchange segments of the socket, by those of the master.
_SEGMENTS = {"NFO": 2, "BFO": 4}
_FUTURE = "FUTIDX"
_CONTRACTS = frozenset({"OPTIDX", "OPTSTK", _FUTURE})
#: Source: SmartAPI, tokens of indices (NSE's are of segment 1, BSE's of segment 3).
INDICES: Mapping[str, Instrument] = {
    "NIFTY": Instrument(1, "99926000"),
    "BANKNIFTY": Instrument(1, "99926009"),
    "FINNIFTY": Instrument(1, "99926037"),
    "MIDCPNIFTY": Instrument(1, "99926074"),
    "NIFTYNXT50": Instrument(1, "99926013"),
    "SENSEX": Instrument(3, "99919000"),
}


def read_tokens(path: Path) -> dict[str, Instrument]:
    """Return the instrument of each option and index future in a scrip master, by our symbol.

    Raises:
        InvalidScripMaster: With the row and the field of the first fault.
        OSError: The file cannot be opened.
    """
    found: dict[str, Instrument] = {}
    for number, row in enumerate(master_rows(path), start=1):
        try:
            if isinstance(row, Mapping) and row.get("instrumenttype") in _CONTRACTS:
                symbol, instrument = _read(row)
                found[symbol] = instrument
        except scrip_cells.FieldFault as fault:
            raise InvalidScripMaster(path.name, number, fault.field, str(fault)) from None
    return found


def _read(row: Mapping[str, object]) -> tuple[str, Instrument]:
    segment, token = scrip_cells.text(row, "exch_seg"), scrip_cells.text(row, "token")
    if segment not in _SEGMENTS:
        raise scrip_cells.FieldFault("exch_seg", "must be NFO or BFO", segment)
    instrument = Instrument(_SEGMENTS[segment], token)
    if not instrument.is_sound:
        raise scrip_cells.FieldFault("token", "must be 1 to 8 digits", token)
    return _symbol(row), instrument


def _symbol(row: Mapping[str, object]) -> str:
    underlying, expiry = scrip_cells.underlying(row), scrip_cells.expiry(row)
    if row["instrumenttype"] == _FUTURE:
        return format_future(underlying, expiry)
    strike = scrip_cells.positive(row, "strike", "must be whole paise above 0")
    return format_symbol(underlying, expiry, Decimal(strike) / 100, scrip_cells.right(row))
