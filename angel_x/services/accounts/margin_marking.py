"""Marking the margin and the open P&L of all accounts to the market."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.book.margin_pool import Risks
from angel_x.domain.book.marked_account import (
    Fleet,
    LastMarking,
    MarkedAccount,
    MarketValues,
    StandingAccount,
    marked,
)
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import is_future
from angel_x.domain.margin.fleet_margin import FleetMargin, margin_fleet
from angel_x.domain.operations.metric import Metric
from angel_x.domain.values.money import ZERO, rupees
from angel_x.services.accounts.mark_ports import MarkMemo, MarkStore
from angel_x.services.ports import Clock, Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger()


#: Acts on marked accounts: alerts, and square-offs where they are wanted.
Consequences = Callable[[Sequence[MarkedAccount], date, datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginMarking:
    """Marks the fleet.  A second call marks it again, at the market of then."""

    store: MarkStore
    memo: MarkMemo
    risks: Risks
    #: Returns the price of every underlying in rupees.
    spots: Callable[[], Mapping[str, Decimal]]
    follow: Consequences
    #: Follows the stops of marked accounts.
    follow_stops: Callable[[Sequence[MarkedAccount], datetime], None]
    meter: Meter
    clock: Clock
    market_clock: Clock
    #: Marking is due after these seconds, and after a move of a spot by this fraction.
    every_seconds: float
    move: Decimal

    def run_if_due(self) -> int:
        """Mark the fleet if time or market has moved far enough; return the number of accounts."""
        last, spots = self.memo.get(), self.spots()
        if last is not None and not self._is_due(last, spots):
            return 0
        # Before marking: moves of the meantime make the next one due.
        self.memo.put(LastMarking(self.clock(), spots))
        return self.run()

    def run(self) -> int:
        """Mark the whole fleet; return the number of marked accounts.

        Without risk arrays an account keeps its margin, without prices its P&L.
        """
        started = perf_counter()
        now, day = self.clock(), self.market_clock().astimezone(IST).date()
        fleet = self.store.read()
        sheet = self.risks(set(fleet.columns.symbols))
        if sheet and not any(unit.is_known for unit in sheet.values()):
            log.warning("margin.unmarked", accounts=len(fleet.standing))
            return 0
        found = margin_fleet(len(fleet.standing), fleet.columns, sheet)
        accounts = [
            marked(standing, values, day, now)
            for standing, values in zip(fleet.standing, _values(fleet, found), strict=True)
        ]
        stored = self.store.save(accounts, now)
        kept = [a for a in accounts if a.user_id in stored]
        self.follow(kept, day, now)
        self.follow_stops(kept, now)
        self.meter.observe(Metric.MARGIN_MARK_SECONDS, perf_counter() - started)
        return len(stored)

    def _is_due(self, last: LastMarking, spots: Mapping[str, Decimal]) -> bool:
        if abs((self.clock() - last.at).total_seconds()) >= self.every_seconds:
            return True
        return any(
            abs(spot - last.spots.get(name, ZERO)) >= last.spots.get(name, ZERO) * self.move
            for name, spot in spots.items()
            if spot > 0
        )


def _values(fleet: Fleet, found: FleetMargin) -> Sequence[MarketValues]:
    """Return the values of each account; where data are missing those that are stored."""
    required: list[dict[str, Decimal]] = [{} for _ in fleet.standing]
    exposure, option_value = [0] * len(required), [0] * len(required)
    rows = zip(
        found.owner.tolist(), found.underlyings, found.required.tolist(), found.exposure.tolist(),
        found.option_value.tolist(), found.is_complete.tolist(), strict=True,
    )  # fmt: skip
    for owner, name, needed, exposed, value, is_complete in rows:
        held = fleet.standing[owner].held.get(name, ZERO)
        required[owner][name] = rupees(needed) if is_complete else held
        exposure[owner] += exposed
        option_value[owner] += value
    return [
        MarketValues(
            required=required[i],
            exposure=rupees(exposure[i]),
            option_value=rupees(option_value[i]),
            unrealised=_pnl(standing, unrealised, is_priced=is_priced),
            short_pnl=rupees(short),
            equity=standing.account.cash + rupees(cost + unrealised) if is_priced else None,
        )
        for i, (standing, unrealised, short, cost, is_priced) in enumerate(
            zip(
                fleet.standing,
                found.unrealised.tolist(),
                found.short_pnl.tolist(),
                _costs(fleet),
                found.is_priced.tolist(),
                strict=True,
            )
        )
    ]


def _costs(fleet: Fleet) -> list[int]:
    """Return the signed paid cost of the positions of each account, in paise; futures have none."""
    columns = fleet.columns
    is_paid = np.array([not is_future(symbol) for symbol in columns.symbols], np.bool_)
    costs = np.zeros(len(fleet.standing), np.int64)
    np.add.at(costs, columns.owner, columns.cost_paise * is_paid)
    return costs.tolist()


def _pnl(standing: StandingAccount, paise: int, *, is_priced: bool) -> Decimal:
    if is_priced or standing.mark is None:
        return rupees(paise)
    return standing.mark.unrealised
