"""The universe: every listed contract as one sorted table, in which a contract is a row number.

The table is columns; contracts and symbols are made from them on access.  Two universes with the
same contracts have the same version, in every process and however they were built.  A row number is
valid only with its universe: code that keeps rows keeps the universe with them.

A chain is a run of rows of options.  The futures are the last rows, behind all options: code that prices
chains never meets them, and everything else finds them by row like an option.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from angel_x.domain.contracts.contract import FUTURE, Contract, Right, strike_text, symbol_prefix
from angel_x.domain.contracts.listed_chain import Kind, ListedChain, Term, gathered
from angel_x.domain.contracts.universe_views import ByRow, Rows
from angel_x.domain.values.money import rupees
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)

#: The number of made contracts that are kept for repeated access.
_KEPT = 4096
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Chain:
    """The rows ``start:stop`` of one underlying and expiry."""

    underlying: str
    expiry: date
    start: int
    stop: int


class Universe:
    """The contract table: options by underlying, expiry, strike and right (CE before PE), then futures.

    Every column is a read-only array with one entry for each contract.

    Args:
        contracts: The contracts, in any order.
        chains: The contracts as columns, in any order, which is faster.
        closing_only: Symbols of those contracts in which positions may only be closed.

    Raises:
        InvalidInput: A contract or a chain is repeated, a term is out of bounds, or a symbol does
            not match its terms.
    """

    def __init__(
        self,
        contracts: Iterable[Contract] = (),
        *,
        chains: Iterable[ListedChain] | None = None,
        closing_only: Iterable[str] = (),
    ) -> None:
        given = gathered(contracts) if chains is None else chains
        ordered = sorted((c for c in given if len(c.terms)), key=_chain_key)
        options = [(chain, _options(chain)) for chain in ordered]
        futures = [(chain, _futures(chain)) for chain in ordered]
        terms = np.concatenate([_NOTHING, *(rows for _, rows in (*options, *futures))])
        self.chains = tuple(_spans(options))
        #: The rows below are options, the others futures.
        self.option_count = sum(len(rows) for _, rows in options)
        #: Underlying and expiry of each future.
        self._futures = [(c.underlying, c.expiry) for c, rows in futures if len(rows)]
        self._future_places = _numbered_once([symbol_prefix(*each) for each in self._futures])
        self.underlyings = tuple(sorted({chain.underlying for chain in ordered}))
        #: Paise.
        self.strike_paise = _narrow(terms, Term.STRIKE)
        self.is_call = _frozen(terms[:, Term.KIND] == Kind.CALL)
        #: Units.
        self.lot_size = _narrow(terms, Term.LOT_SIZE)
        self.tick_paise = _narrow(terms, Term.TICK_SIZE)
        #: Units.
        self.freeze_quantity = _narrow(terms, Term.FREEZE_QUANTITY)
        #: Seconds since the epoch, UTC.
        self.expires_at = _frozen(terms[:, Term.EXPIRES_AT] / _MICROSECONDS)
        self._starts = [chain.start for chain in self.chains]
        self._prefixes = [symbol_prefix(c.underlying, c.expiry) for c in self.chains]
        self._places = _numbered_once(self._prefixes)
        self._endings: dict[int, dict[str, int]] = {}
        self._made: dict[int, Contract] = {}
        #: Contracts that the newest list lacks; they are listed until nothing is held in them.
        self.closing_only = frozenset(closing_only)
        self.version = self._digest()

    def __len__(self) -> int:
        return len(self.strike_paise)

    @property
    def contracts(self) -> Sequence[Contract]:
        """Every contract, by row, made on access."""
        return ByRow(len(self), self.contract, self._each_contract)

    @property
    def symbols(self) -> Sequence[str]:
        """Every symbol, by row, made on access."""
        return ByRow(len(self), self.symbol, self._each_symbol)

    @property
    def rows(self) -> Mapping[str, int]:
        """Row number of each symbol."""
        return Rows(self.symbols, self.row)

    def row(self, symbol: str) -> int | None:
        """Return the row of a symbol, or None where it is not in the universe."""
        start = symbol.rfind("_") + 1
        if symbol[start:] == FUTURE:
            future = self._future_places.get(symbol[:start])
            return None if future is None else self.option_count + future
        place = self._places.get(symbol[:start])
        if place is None:
            return None
        endings = self._endings.get(place)
        if endings is None:
            chain = self.chains[place]
            names = self._chain_endings(chain)
            # Made on first access: most chains are never read by symbol.
            endings = dict(zip(names, range(chain.start, chain.stop), strict=True))
            self._endings[place] = endings
        return endings.get(symbol[start:])

    def contract(self, row: int) -> Contract:
        """Return the contract of a row, counted from zero."""
        contract = self._made.get(row)
        if contract is None:
            contract = self._make(*self._chain(row), row)
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[row] = contract
        return contract

    def symbol(self, row: int) -> str:
        """Return the symbol of a row, counted from zero."""
        return symbol_prefix(*self._chain(row)) + self._ending(row)

    def rows_in(self, other: Universe) -> NDArray[np.int64]:
        """Return the row of each contract in another universe, -1 where it is not listed there."""
        found = np.full(len(self), -1, np.int64)
        theirs = {(c.underlying, c.expiry): c for c in other.chains}
        for chain in self.chains:
            match = theirs.get((chain.underlying, chain.expiry))
            if match is not None:
                mine, their = self._keys(chain), other._keys(match)
                position = np.minimum(np.searchsorted(their, mine), len(their) - 1)
                row = np.where(their[position] == mine, match.start + position, -1)
                found[chain.start : chain.stop] = row
        for future in range(self.option_count, len(self)):
            there = other.row(self.symbol(future))
            found[future] = -1 if there is None else there
        return found

    @property
    def is_future(self) -> NDArray[np.bool_]:
        """True for the rows of futures."""
        return np.arange(len(self)) >= self.option_count

    @cached_property
    def underlying_index(self) -> NDArray[np.int32]:
        """Position in :attr:`underlyings`."""
        position = {name: i for i, name in enumerate(self.underlyings)}
        of_chain = np.array([position[chain.underlying] for chain in self.chains], np.int32)
        of_futures = np.array([position[name] for name, _ in self._futures], np.int32)
        return _frozen(np.concatenate([of_chain[self.chain_index], of_futures]))

    @cached_property
    def chain_index(self) -> NDArray[np.int32]:
        """Position in :attr:`chains` of each option; futures, the rows behind them, have none."""
        sizes = [chain.stop - chain.start for chain in self.chains]
        return _frozen(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))

    @cached_property
    def strike(self) -> NDArray[np.float64]:
        """Rupees."""
        return _frozen(self.strike_paise / 100.0)

    def _keys(self, chain: Chain) -> NDArray[np.int64]:
        """Return one number for each strike and right of a chain, ascending."""
        rows = slice(chain.start, chain.stop)
        keys: NDArray[np.int64] = self.strike_paise[rows] * np.int64(2) + ~self.is_call[rows]
        return keys

    def _chain(self, row: int) -> tuple[str, date]:
        """Return underlying and expiry of a row."""
        if row >= self.option_count:
            return self._futures[row - self.option_count]
        chain = self.chains[bisect_right(self._starts, row) - 1]
        return chain.underlying, chain.expiry

    def _ending(self, row: int) -> str:
        if row >= self.option_count:
            return FUTURE
        right = Right.CALL if self.is_call[row] else Right.PUT
        return strike_text(int(self.strike_paise[row])) + right

    def _each_contract(self) -> Iterator[Contract]:
        for chain in self.chains:
            for row in range(chain.start, chain.stop):
                yield self._make(chain.underlying, chain.expiry, row)
        for row, future in enumerate(self._futures, self.option_count):
            yield self._make(*future, row)

    def _each_symbol(self) -> Iterator[str]:
        for chain, prefix in zip(self.chains, self._prefixes, strict=True):
            for ending in self._chain_endings(chain):
                yield prefix + ending
        yield from map(self.symbol, range(self.option_count, len(self)))

    def _chain_endings(self, chain: Chain) -> list[str]:
        rows = slice(chain.start, chain.stop)
        strikes, calls = self.strike_paise[rows].tolist(), self.is_call[rows].tolist()
        return [
            strike_text(strike) + ("CE" if is_call else "PE")
            for strike, is_call in zip(strikes, calls, strict=True)
        ]

    def _make(self, underlying: str, expiry: date, row: int) -> Contract:
        return Contract(
            symbol=symbol_prefix(underlying, expiry) + self._ending(row),
            underlying=underlying,
            expiry=expiry,
            strike=rupees(int(self.strike_paise[row])),
            right=self._right(row),
            lot_size=int(self.lot_size[row]),
            tick_size=rupees(int(self.tick_paise[row])),
            freeze_quantity=int(self.freeze_quantity[row]),
            expires_at=datetime.fromtimestamp(float(self.expires_at[row]), UTC),
        )

    def _right(self, row: int) -> Right | None:
        if row >= self.option_count:
            return None
        return Right.CALL if self.is_call[row] else Right.PUT

    def _digest(self) -> str:
        """Return 16 hexadecimal digits that depend on every term of every contract."""
        digest = blake2b(
            repr([(c.underlying, c.expiry, c.stop) for c in self.chains]).encode(), digest_size=8
        )
        digest.update(self.is_call.astype("u1").tobytes())
        for column in (self.strike_paise, self.lot_size, self.tick_paise, self.freeze_quantity):
            digest.update(column.astype("<i4").tobytes())
        digest.update(self.expires_at.astype("<f8").tobytes())
        if self._futures:
            digest.update(repr(self._futures).encode())
        if self.closing_only:
            digest.update(repr(sorted(self.closing_only)).encode())
        return digest.hexdigest()


_NOTHING = np.zeros((0, len(Term)), np.int64)


def _chain_key(chain: ListedChain) -> tuple[str, date]:
    return chain.underlying, chain.expiry


def _spans(chains: Iterable[tuple[ListedChain, NDArray[np.int64]]]) -> Iterator[Chain]:
    start = 0
    for (underlying, expiry, _), options in chains:
        if len(options):
            yield Chain(underlying, expiry, start, start + len(options))
            start += len(options)


def _numbered_once(prefixes: Sequence[str]) -> dict[str, int]:
    """Return the position of each symbol prefix; two chains must not share one."""
    places: dict[str, int] = {}
    for place, prefix in enumerate(prefixes):
        if places.setdefault(prefix, place) != place:
            raise InvalidInput(f"a chain must come once, was {prefix}")
    return places


def _options(chain: ListedChain) -> NDArray[np.int64]:
    """Return the validated terms of the options of a chain, sorted by strike and right."""
    options = chain.terms[chain.terms[:, Term.KIND] != Kind.FUTURE]
    terms = options[np.lexsort((options[:, Term.KIND], options[:, Term.STRIKE]))]
    again = (np.diff(terms[:, : Term.KIND + 1], axis=0) == 0).all(axis=1)
    if again.any():
        raise InvalidInput(f"a contract must come once, was {_named(chain, terms[again.argmax()])}")
    return _checked(chain, terms, _MOST)


def _futures(chain: ListedChain) -> NDArray[np.int64]:
    """Return the validated terms of the future of a chain, one row or none."""
    terms = chain.terms[chain.terms[:, Term.KIND] == Kind.FUTURE]
    if len(terms) > 1:
        raise InvalidInput(f"a contract must come once, was {_named(chain, terms[0])}")
    return _checked(chain, terms, _MOST_OF_FUTURE)


def _checked(
    chain: ListedChain, terms: NDArray[np.int64], bounds: Mapping[Term, int]
) -> NDArray[np.int64]:
    for term, most in bounds.items():
        impossible = (terms[:, term] <= 0) | (terms[:, term] > most)
        if impossible.any():
            row = terms[impossible.argmax()]
            name, value = term.name.lower().replace("_", " "), row[term]
            raise InvalidInput(
                f"{name} of {_named(chain, row)} must be from 1 to {most}, was {value}"
            )
    return terms


_LARGEST = int(np.iinfo(np.int32).max)
#: A symbol has seven digits of rupees, so a larger strike would have no symbol.
_MOST = {
    Term.STRIKE: 999_999_999,
    Term.LOT_SIZE: _LARGEST,
    Term.TICK_SIZE: _LARGEST,
    Term.FREEZE_QUANTITY: _LARGEST,
}


_MOST_OF_FUTURE: Mapping[Term, int] = {
    term: most for term, most in _MOST.items() if term is not Term.STRIKE
}


def _named(chain: ListedChain, row: NDArray[np.int64]) -> str:
    if row[Term.KIND] == Kind.FUTURE:
        return symbol_prefix(chain.underlying, chain.expiry) + FUTURE
    right = Right.PUT if row[Term.KIND] == Kind.PUT else Right.CALL
    return (
        symbol_prefix(chain.underlying, chain.expiry) + strike_text(int(row[Term.STRIKE])) + right
    )


def _narrow(terms: NDArray[np.int64], term: Term) -> NDArray[np.int32]:
    return _frozen(terms[:, term].astype(np.int32))


def _frozen(column: NDArray[_Scalar]) -> NDArray[_Scalar]:
    column.flags.writeable = False
    return column
