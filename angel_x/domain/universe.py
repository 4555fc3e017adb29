"""The universe: every listed contract as one sorted table, in which a contract is a row number.

Two universes with the same contracts have the same version, in whatever process they were built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from angel_x.domain.contract import Contract, Right
from angel_x.domain.money import paise

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Chain:
    """The rows ``start:stop`` of one underlying and expiry."""

    underlying: str
    expiry: date
    start: int
    stop: int


class Universe:
    """The contract table, sorted by underlying, expiry, strike and right (CE before PE).

    The columns are read-only arrays of one entry a contract, made when they are first read.
    """

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.contracts = tuple(sorted(contracts, key=_sort_key))
        self.symbols = tuple(c.symbol for c in self.contracts)
        #: Row number of each symbol.
        self.rows: Mapping[str, int] = MappingProxyType({s: i for i, s in enumerate(self.symbols)})
        self.underlyings = tuple(sorted({c.underlying for c in self.contracts}))
        self.chains = tuple(_chains(self.contracts))
        self.version = _version(self.contracts)

    def __len__(self) -> int:
        return len(self.contracts)

    def row(self, symbol: str) -> int | None:
        """Return the row of a symbol, or None where the universe does not hold it."""
        return self.rows.get(symbol)

    @cached_property
    def underlying_index(self) -> NDArray[np.int32]:
        """Position in :attr:`underlyings`."""
        position = {name: i for i, name in enumerate(self.underlyings)}
        return _frozen(np.array([position[c.underlying] for c in self.contracts], np.int32))

    @cached_property
    def chain_index(self) -> NDArray[np.int32]:
        """Position in :attr:`chains`."""
        sizes = [chain.stop - chain.start for chain in self.chains]
        return _frozen(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))

    @cached_property
    def strike(self) -> NDArray[np.float64]:
        """Rupees."""
        return _frozen(np.array([float(c.strike) for c in self.contracts], np.float64))

    @cached_property
    def is_call(self) -> NDArray[np.bool_]:
        return _frozen(np.array([c.right is Right.CALL for c in self.contracts], np.bool_))

    @cached_property
    def lot_size(self) -> NDArray[np.int32]:
        """Units."""
        return _frozen(np.array([c.lot_size for c in self.contracts], np.int32))

    @cached_property
    def tick_paise(self) -> NDArray[np.int32]:
        return _frozen(np.array([paise(c.tick_size) for c in self.contracts], np.int32))

    @cached_property
    def expires_at(self) -> NDArray[np.float64]:
        """Seconds since the epoch, UTC."""
        return _frozen(np.array([c.expires_at.timestamp() for c in self.contracts], np.float64))


def _sort_key(contract: Contract) -> tuple[object, ...]:
    return contract.underlying, contract.expiry, contract.strike, contract.right


def _chains(contracts: tuple[Contract, ...]) -> Iterable[Chain]:
    rows = groupby(enumerate(contracts), key=lambda pair: (pair[1].underlying, pair[1].expiry))
    for (underlying, expiry), members in rows:
        positions = [row for row, _ in members]
        yield Chain(underlying, expiry, positions[0], positions[-1] + 1)


def _version(contracts: tuple[Contract, ...]) -> str:
    """Return 16 hexadecimal digits that depend on every field of every contract."""
    digest = blake2b(digest_size=8)
    for c in contracts:
        fields = (c.symbol, c.lot_size, c.tick_size, c.freeze_quantity, c.expires_at.timestamp())
        digest.update(repr(fields).encode())
    return digest.hexdigest()


def _frozen(column: NDArray[_Scalar]) -> NDArray[_Scalar]:
    column.flags.writeable = False
    return column
