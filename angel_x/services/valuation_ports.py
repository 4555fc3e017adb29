"""What Greeks, option chains and portfolios need from the outside, beyond the shared ports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from angel_x.services.ports import GreeksBoard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from angel_x.domain.book.account import Account
    from angel_x.domain.chains.published import Heads, Valued
    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.portfolios.portfolio import Portfolio
    from angel_x.domain.portfolios.valuation import Holdings


class GreeksByRow(GreeksBoard, Protocol):
    """A Greeks board that can be read in part."""

    def read_rows(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return columns and times of ``rows``, which may repeat."""


class RiskBoard(Protocol):
    """The latest risk arrays as float32 columns, in the order of ``angel_x.domain.margin.risk_arrays``.

    What is absent or expired reads as NaN and age zero.
    """

    def write(
        self, universe: Universe, start: int, columns: NDArray[np.floating], as_of_ms: int
    ) -> None:
        """Write the columns, shape (RISK_ROWS, rows), of the rows from ``start`` on."""

    def read_rows(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return columns and times in epoch milliseconds of ``rows``, which may repeat."""


class ChainBoards(Protocol):
    """Greeks and risk arrays of whole chains, published together."""

    def write(self, universe: Universe, start: int, valued: Valued) -> None:
        """Write the chains from row ``start`` on, in one round trip."""

    def heads(self, universe: Universe) -> Heads:
        """Return when and of what every chain was priced, in one round trip."""


class GreeksSnapshots(Protocol):
    """The last known Greeks of each symbol, for queries that join them."""

    def save(
        self,
        symbols: Sequence[str],
        columns: Mapping[str, NDArray[np.floating]],
        as_of_ms: NDArray[np.int64],
    ) -> int:
        """Insert or replace one row a symbol, in one statement; return how many are new or newer."""

    def forget(self, before: datetime) -> int:
        """Delete the rows of contracts that expired before a time; return how many."""


class PortfolioStore(Protocol):
    """Accounts, their open positions, and the portfolios made of them."""

    def read(self, user_ids: Collection[int]) -> tuple[list[Account], Holdings]:
        """Return the accounts that exist, by id, and their open positions, in one statement."""

    def holders(self) -> set[int]:
        """Return every account with an open position."""

    def save(self, portfolios: Sequence[Portfolio]) -> None:
        """Insert or replace portfolios, in one statement; a newer one is never replaced."""

    def snapshot(self, taken_at: datetime) -> int:
        """Append every stored portfolio to the history once per ``taken_at``; return how many."""


class PortfolioCache(Protocol):
    """Encoded portfolios for a few seconds, and the marks of accounts that changed."""

    def put(self, portfolios: Mapping[int, bytes]) -> None:
        """Write each encoded portfolio under its account, in one round trip."""

    def get(self, user_id: int) -> bytes | None:
        """Return the encoded portfolio of an account while it is cached."""

    def mark_dirty(self, user_ids: Collection[int]) -> list[int]:
        """Mark accounts as changed; return those that were not marked already."""

    def dirty(self) -> set[int]:
        """Return every account that is marked."""

    def clear_dirty(self, user_ids: Collection[int]) -> None:
        """Take the marks off."""
