"""The kinds of statements that can be exported."""

from __future__ import annotations

from enum import StrEnum


class ExportKind(StrEnum):
    TRADES = "trades"
    FILLS = "fills"
    ORDERS = "orders"
    LEDGER = "ledger"
    POSITIONS = "positions"
