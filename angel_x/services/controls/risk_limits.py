"""Risk limits: set, read and clear; each change holds from the next claim on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

import structlog

from angel_x.domain.book.limits import LimitKind, Limits, LimitSheet, read_kind, read_limit
from angel_x.domain.book.portfolio_stop import PortfolioStop
from angel_x.domain.book.risk import TradingRules
from angel_x.errors import InvalidInput

#: Returns the names of accounts by id.
AccountNames = Callable[[Collection[int]], Mapping[int, str]]

log = structlog.get_logger()

#: The stored form of a limit: scope, name, kind, value.
Row = tuple[str, str, str, str]


class LimitStore(Protocol):
    """The store of limits, with an audit of their changes.  Global limits have no user id."""

    def rows(self) -> Sequence[Row]:
        """Return every limit."""

    def put(self, user_id: int | None, values: Mapping[str, Decimal], actor: str) -> None:
        """Set limits and write the audit entries of changed ones, in one transaction."""

    def clear(self, user_id: int | None, kinds: Collection[str], actor: str) -> None:
        """Remove limits and write the audit entries of existing ones, in one transaction."""


class RiskLimits:
    """Global limits and limits of accounts."""

    def __init__(
        self,
        store: LimitStore,
        account_names: AccountNames,
        stops: Callable[[], Mapping[int, PortfolioStop]],
        *,
        holds_rate: bool,
    ) -> None:
        self._store = store
        #: Returns the armed stops of accounts.
        self._stops = stops
        self._account_names = account_names
        #: Whether orders a second are counted; a limit on them is stored in any case.
        self._holds_rate = holds_rate

    def rules(self) -> TradingRules:
        """Return all limits as trading rules, without trading states."""
        return TradingRules.from_rows((), self._store.rows())

    def sheet(self, user_id: int | None) -> LimitSheet:
        """Return the limits of an account, or the global ones for None."""
        [sheet] = self._sheets([user_id], self._store.rows())
        return sheet

    def sheets(self) -> list[LimitSheet]:
        """Return the global limits, then those of each account with limits of its own."""
        rows = self._store.rows()
        named = sorted({int(name) for _, name, _, _ in rows if name})
        return self._sheets([None, *named], rows)

    def put(self, user_id: int | None, values: Mapping[str, object], actor: str) -> LimitSheet:
        """Set limits of an account, or global ones; a second call changes nothing.

        Raises:
            InvalidInput: A kind is unknown, a value is out of its bounds, or ``values`` is empty.
        """
        if not values:
            raise InvalidInput(f"at least one of {', '.join(LimitKind)} is required, was none")
        read = dict(read_limit(name, value) for name, value in values.items())
        named = {kind.value: value for kind, value in read.items()}
        self._store.put(user_id, named, actor)
        log.info("limits.set", user_id=user_id, actor=actor, kinds=sorted(named))
        return self.sheet(user_id)

    def clear(self, user_id: int | None, kinds: Iterable[str], actor: str) -> LimitSheet:
        """Remove limits of an account, or global ones: the named kinds, or all where none is named.

        A second call changes nothing.

        Raises:
            InvalidInput: A kind is unknown.
        """
        named = [read_kind(kind).value for kind in kinds] or list(LimitKind)
        self._store.clear(user_id, named, actor)
        log.info("limits.cleared", user_id=user_id, actor=actor, kinds=sorted(named))
        return self.sheet(user_id)

    def _sheets(self, user_ids: Sequence[int | None], rows: Sequence[Row]) -> list[LimitSheet]:
        ids = {user_id for user_id in user_ids if user_id is not None}
        names, stops = (self._account_names(ids), self._stops()) if ids else ({}, {})
        return [self._sheet(i, names.get(i or 0), rows, stops.get(i or 0)) for i in user_ids]

    def _sheet(
        self,
        user_id: int | None,
        user: str | None,
        rows: Iterable[Row],
        stop: PortfolioStop | None,
    ) -> LimitSheet:
        values: dict[str, dict[str, str]] = {}
        for _, name, kind, value in rows:
            values.setdefault(name, {})[kind] = value
        everyone = Limits.of(values.get("", {}))
        own = everyone if user_id is None else Limits.of(values.get(str(user_id), {}))
        effective = own.stricter(everyone)
        if not self._holds_rate:
            effective = replace(effective, max_orders_per_second=None)
        return LimitSheet(user_id, user, own=own, effective=effective, stop=stop)
