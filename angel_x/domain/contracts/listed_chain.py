"""The terms of a chain as one matrix of integers, and the grouping of contracts into such chains.

Integers are exact, and a hundred thousand contracts take five megabytes.
"""

from __future__ import annotations

from array import array
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.contracts.contract import Contract, Right, format_future, format_symbol
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray


class Term(IntEnum):
    """The columns of :attr:`ListedChain.terms`."""

    #: Paise; zero for a future.
    STRIKE = 0
    #: A :class:`Kind`, so that a call sorts before the put of its strike.
    KIND = 1
    #: Units.
    LOT_SIZE = 2
    #: Paise.
    TICK_SIZE = 3
    #: Units.
    FREEZE_QUANTITY = 4
    #: Microseconds since the epoch, UTC.
    EXPIRES_AT = 5


class Kind(IntEnum):
    """The values of :attr:`Term.KIND`."""

    CALL = 0
    PUT = 1
    FUTURE = 2


class ListedChain(NamedTuple):
    """The contracts of one underlying and expiry: options, and perhaps the future."""

    underlying: str
    expiry: date
    #: One row for each contract, in any order; one column for each :class:`Term`.
    terms: NDArray[np.int64]


class ChainGathering:
    """Groups contracts, added one by one in any order, by chain."""

    def __init__(self) -> None:
        self._chains: dict[tuple[str, date], array[int]] = {}

    def add(self, underlying: str, expiry: date, terms: Iterable[int]) -> None:
        """Add the terms of one contract, in the order of :class:`Term`."""
        self._chains.setdefault((underlying, expiry), array("q")).extend(terms)

    def __iter__(self) -> Iterator[ListedChain]:
        for (underlying, expiry), numbers in self._chains.items():
            terms = np.frombuffer(numbers, np.int64).reshape(-1, len(Term))
            yield ListedChain(underlying, expiry, terms)


def gathered(contracts: Iterable[Contract]) -> ChainGathering:
    """Group contracts by chain.

    Raises:
        InvalidInput: A strike or tick is finer than a paisa, or a symbol does not match its terms.
    """
    gathering = ChainGathering()
    for c in contracts:
        if c.symbol != (symbol := _symbol(c)):
            raise InvalidInput(f"symbol must be {symbol}, was {c.symbol}")
        terms = (
            _paise("strike", c.strike),
            kind_of(c.right),
            c.lot_size,
            _paise("tick size", c.tick_size),
            c.freeze_quantity,
            epoch_microseconds(c.expires_at),
        )
        gathering.add(c.underlying, c.expiry, terms)
    return gathering


def kind_of(right: Right | None) -> Kind:
    """Return the kind of a contract of a right, None for a future."""
    if right is None:
        return Kind.FUTURE
    return Kind.PUT if right is Right.PUT else Kind.CALL


def _symbol(contract: Contract) -> str:
    if contract.right is None:
        return format_future(contract.underlying, contract.expiry)
    return format_symbol(contract.underlying, contract.expiry, contract.strike, contract.right)


def epoch_microseconds(at: datetime) -> int:
    """Return an aware time as microseconds since the epoch."""
    elapsed = at - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _paise(name: str, amount: Decimal) -> int:
    scaled = amount.scaleb(2)
    whole = int(scaled)
    if whole != scaled:
        raise InvalidInput(f"{name} must be whole paise, was {amount}")
    return whole
