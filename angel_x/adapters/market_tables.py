"""The market tables of a process, read again at the beginning of every day in India."""

from __future__ import annotations

from pathlib import Path

import structlog

from angel_x.adapters.clock import wall_clock
from angel_x.domain.calendar.session import IST
from config.market.tables import MarketTables, TableError
from config.settings import Settings

log = structlog.get_logger()


def market_tables(settings: Settings) -> MarketTables:
    """Return the tables of the directory of the settings, and the shipped ones for the rest.

    Raises:
        TableError: A file of the directory is wrong.
    """
    folder = None if settings.market_tables is None else Path(settings.market_tables)
    return MarketTables(folder, today=_today, refused=_tell)


def _today() -> int:
    return wall_clock().astimezone(IST).toordinal()


def _tell(error: TableError) -> None:
    log.error("market_table.refused", detail=str(error))
