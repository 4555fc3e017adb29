"""Read-only row views over the columns of the universe; items are made on access."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import index
from typing import Generic, SupportsIndex, TypeVar, overload

Item = TypeVar("Item")
Other = TypeVar("Other")


class ByRow(Sequence[Item], Generic[Item]):
    """A sequence with one item a row, made on access.  A slice is a tuple.

    Args:
        size: The number of rows.
        one: Makes the item of a row, counted from zero.
        each: Makes the items of all rows in order, which is cheaper than one by one.
    """

    def __init__(
        self, size: int, one: Callable[[int], Item], each: Callable[[], Iterable[Item]]
    ) -> None:
        self._size = size
        self._one = one
        self._each = each

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, row: SupportsIndex) -> Item: ...

    @overload
    def __getitem__(self, row: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, row: SupportsIndex | slice) -> Item | tuple[Item, ...]:
        rows = range(self._size)[row if isinstance(row, slice) else index(row)]
        return tuple(map(self._one, rows)) if isinstance(rows, range) else self._one(rows)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._each())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ByRow | tuple):
            return len(self) == len(other) and all(
                mine == their for mine, their in zip(self, other, strict=True)
            )
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Rows(Mapping[str, int]):
    """The row of each symbol.

    Args:
        symbols: The symbol of each row.
        find: Returns the row of a symbol, or None for an unknown symbol.
    """

    def __init__(self, symbols: Sequence[str], find: Callable[[str], int | None]) -> None:
        self._symbols = symbols
        self._find = find

    def __getitem__(self, symbol: str) -> int:
        row = self._find(symbol)
        if row is None:
            raise KeyError(symbol)
        return row

    def __contains__(self, symbol: object) -> bool:
        return isinstance(symbol, str) and self._find(symbol) is not None

    @overload
    def get(self, symbol: str, /) -> int | None: ...

    @overload
    def get(self, symbol: str, /, default: int | Other) -> int | Other: ...

    def get(self, symbol: str, /, default: int | Other | None = None) -> int | Other | None:
        row = self._find(symbol)
        return default if row is None else row

    def __iter__(self) -> Iterator[str]:
        return iter(self._symbols)

    def __len__(self) -> int:
        return len(self._symbols)
