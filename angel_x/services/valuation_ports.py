"""The ports of Greeks, option chains and portfolios, beyond the shared ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from angel_x.domain.book.account import Account
    from angel_x.domain.chains.published import Heads, Valued
    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.portfolios.portfolio import Portfolio
    from angel_x.domain.portfolios.valuation import PositionColumns


#: Returns float32 columns, shape (fields, n), and request times in epoch milliseconds of rows, which
#: may repeat: Greeks in the order of ``GreekField``, or risk arrays in that of ``risk_arrays``.  Absent
#: and expired columns are NaN with a time of zero.
ReadColumns: TypeAlias = (
    "Callable[[Universe, NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.int64]]]"
)


class ChainBoards(Protocol):
    """Greeks and risk arrays of whole chains, published together."""

    def write(self, universe: Universe, start: int, valued: Valued) -> None:
        """Write the chains from row ``start`` on, in one round trip."""

    def heads(self, universe: Universe) -> Heads:
        """Return request time and fingerprint of every chain, in one round trip."""


class GreeksSnapshots(Protocol):
    """The last known Greeks of each symbol, for queries that join them."""

    def save(
        self,
        symbols: Sequence[str],
        columns: Mapping[str, NDArray[np.floating]],
        as_of_ms: NDArray[np.int64],
    ) -> int:
        """Insert or replace one row a symbol in one statement; return the number of new or newer rows.

        ``columns`` maps each field to finite numbers.  Rows are locked in the given order, so all
        callers must use the same order.  An older row never replaces a newer one.
        """

    def forget(self, before: datetime) -> int:
        """Delete the rows of contracts that expired before a time; return their number.

        A symbol that is not a contract any more counts as expired at its last Greeks.
        """


class PortfolioStore(Protocol):
    """Accounts with their open positions, and stored portfolios."""

    def read(self, user_ids: Collection[int]) -> tuple[list[Account], PositionColumns]:
        """Return the accounts that exist, by id, and their open positions, in one statement."""

    def holders(self, watched: Collection[int], turn: int, turns: int) -> set[int]:
        """Return accounts with an open position: the watched ones, and every ``turns``-th of all.

        So many turns in a row return every account.
        """

    def save(self, portfolios: Sequence[Portfolio]) -> None:
        """Insert or replace portfolios, in one statement; a newer one is never replaced."""

    def held(self) -> Sequence[str]:
        """Return every contract with an open position."""

    def snapshot(self, taken_at: datetime, day: date, marks: Mapping[str, Decimal]) -> int:
        """Append every stored portfolio to the history, once per ``taken_at``; return the number of rows.

        ``marks`` are the prices of held contracts, and ``day`` is the market's: positions are marked too.
        """


class PortfolioCache(Protocol):
    """Encoded portfolios with a short TTL, and the dirty marks of changed accounts."""

    def put(self, portfolios: Mapping[int, bytes]) -> None:
        """Write each encoded portfolio under its account, in one round trip."""

    def get(self, user_id: int) -> bytes | None:
        """Return the encoded portfolio of an account, or None if it is not cached."""

    def mark_dirty(self, user_ids: Collection[int]) -> list[int]:
        """Mark accounts as changed; return those that were not marked already."""

    def dirty(self) -> set[int]:
        """Return all marked accounts."""

    def next_turn(self) -> int:
        """Count a refresh; return its number, also over processes."""

    def clear_dirty(self, user_ids: Collection[int]) -> None:
        """Remove the marks of accounts."""
