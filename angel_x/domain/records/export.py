"""The kinds of statements that can be exported, and the formats of their files."""

from __future__ import annotations

from enum import StrEnum


class ExportKind(StrEnum):
    TRADES = "trades"
    FILLS = "fills"
    ORDERS = "orders"
    LEDGER = "ledger"
    POSITIONS = "positions"
    #: The last stored Greeks of the contracts of open positions.
    GREEKS = "greeks"


class ExportFormat(StrEnum):
    CSV = "csv"
    #: One document with a list.
    JSON = "json"
    PARQUET = "parquet"
    #: The file format of Arrow, which is also that of Feather.
    ARROW = "arrow"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv",
    ExportFormat.JSON: "application/json",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.ARROW: "application/vnd.apache.arrow.file",
}
