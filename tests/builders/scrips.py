"""Made rows of a broker's scrip master."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

Row = dict[str, object]

#: A day on which the options of :func:`option` are listed.
LISTED_ON = date(2026, 8, 19)


def option(rupees: int = 24_000, right: str = "CE", /, **changes: object) -> Row:
    """Return a row of an option of NIFTY."""
    row: Row = {
        "token": f"{rupees}{right}",
        "symbol": f"NIFTY25AUG26{rupees}{right}",
        "name": "NIFTY",
        "expiry": "25AUG2026",
        "strike": f"{rupees * 100}.000000",
        "lotsize": "65",
        "instrumenttype": "OPTIDX",
        "exch_seg": "NFO",
        "tick_size": "5.000000",
        "freeze_qty": "1800",
        "is_cas_enabled": False,
    }
    row.update(changes)
    expiry = row["expiry"]
    if "symbol" not in changes and isinstance(expiry, str) and expiry:
        row["symbol"] = f"NIFTY{expiry[:5]}{expiry[7:]}{rupees}{right}"
    return {field: value for field, value in row.items() if value is not ...}


def future(expiry: str = "25AUG2026", /, **changes: object) -> Row:
    """Return a row of a future on NIFTY."""
    row: Row = {
        "symbol": f"NIFTY{expiry[:5]}{expiry[7:]}FUT",
        "expiry": expiry,
        "strike": "-1.000000",
        "instrumenttype": "FUTIDX",
        "tick_size": "10.000000",
    }
    return option(**(row | changes))


def cash(name: str) -> Row:
    """Return a row of a share."""
    return option(
        symbol=f"{name}-EQ", name=name, expiry="", strike="-1.000000", lotsize="1",
        instrumenttype="", exch_seg="NSE", freeze_qty="64561",
    )  # fmt: skip


def master_text(rows: Sequence[object]) -> str:
    """Return a master as the broker writes it, one row a line."""
    return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n"
