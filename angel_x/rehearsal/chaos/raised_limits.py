"""The broker's limits of requests, raised for a rehearsal on both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.market import table

_TABLE = "broker_limits"
_SPANS = ("second", "minute", "hour")


def write(folder: Path, times: int) -> None:
    """Write the table into a directory for ANGEL_X_MARKET_TABLES; a second call replaces it."""
    content = json.dumps(raised(table(_TABLE), times), indent=1)
    (folder / f"{_TABLE}.json").write_text(content, encoding="utf-8")


def raised(limits: Mapping[str, Any], times: int) -> dict[str, Any]:
    """Return a table with every limit so many times as high; no limit stays none."""
    return {
        "source": f"{times} times these, for a rehearsal: {limits['source']}",
        "limits": {
            name: [_raised(row, times) for row in rows] for name, rows in limits["limits"].items()
        },
    }


def _raised(row: Mapping[str, Any], times: int) -> dict[str, Any]:
    return {name: value * times if name in _SPANS else value for name, value in row.items()}
