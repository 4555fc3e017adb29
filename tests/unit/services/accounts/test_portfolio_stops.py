"""The stops of marked accounts: enforced once, also after a process has died in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Account, Mark
from angel_x.domain.book.control import OrderSelection
from angel_x.domain.book.limits import Limits
from angel_x.domain.book.marked_account import MarkedAccount, MarketValues, StandingAccount
from angel_x.domain.book.portfolio_stop import PortfolioStop, StopKind
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.values.money import ZERO
from angel_x.services.accounts.portfolio_stops import PortfolioStops

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
USER = 7


@dataclass
class MemoryStops:
    """A store in memory."""

    rows: dict[int, PortfolioStop] = field(default_factory=dict)

    def read(self) -> Mapping[int, PortfolioStop]:
        return dict(self.rows)

    def save(self, stops: Mapping[int, PortfolioStop | None]) -> set[int]:
        for user_id, stop in stops.items():
            self.rows.pop(user_id, None)
            if stop is not None:
                self.rows[user_id] = stop
        return set(stops)

    def mark_enforced(self, user_id: int, stop: PortfolioStop) -> None:
        self.rows[user_id] = replace(stop, is_enforced=True)


@dataclass
class World:
    """An account with limits, and the acts that follow from its markings."""

    limits: Limits
    store: MemoryStops = field(default_factory=MemoryStops)
    restricted: list[tuple[int, str]] = field(default_factory=list)
    squared_off: list[str] = field(default_factory=list)
    alerts: list[object] = field(default_factory=list)
    dies: bool = False
    at: datetime = NOW

    def restrict(self, user_id: int, *, actor: str, reason: str) -> None:
        if self.dies:
            raise ConnectionError(actor)
        self.restricted.append((user_id, reason))

    def start(
        self, _user_id: int, _selection: OrderSelection, *, key: str, actor: str
    ) -> tuple[object, bool]:
        assert actor == "portfolio stop"
        self.squared_off.append(key)
        return None, True

    def mark(self, equity: str | None, *, is_open: bool = True) -> PortfolioStop | None:
        """Mark the account; return its stop as it is stored."""
        stops = PortfolioStops(
            store=self.store,
            limits=lambda: TradingRules(accounts={USER: self.limits}),
            restrict=self.restrict,
            square_offs=self,
            publish=self.alerts.extend,
            unreachable=(TimeoutError,),
        )
        self.at += timedelta(seconds=30)
        stops.follow([marked(equity, is_open=is_open)], self.at)
        return self.store.rows.get(USER)


def marked(equity: str | None, *, is_open: bool) -> MarkedAccount:
    account = Account(USER, Decimal(1000), ZERO, ZERO)
    values = MarketValues(
        required={},
        exposure=ZERO,
        option_value=ZERO,
        unrealised=ZERO,
        short_pnl=ZERO,
        equity=None if equity is None else Decimal(equity),
    )
    mark = Mark(date(2026, 11, 23), ZERO, ZERO)
    standing = StandingAccount(account, {}, None, None, is_open=is_open)
    return MarkedAccount(standing, values, {}, mark, ZERO, None)


def test_a_breach_restricts_alerts_and_squares_off_once() -> None:
    world = World(Limits(stop_loss=Decimal(100), stop_square_off=1))
    for equity in ("1000", "950", "900", "850", "1200"):
        stop = world.mark(equity)

    assert stop is not None
    assert (stop.breached, stop.result, stop.is_enforced) == (StopKind.LOSS, Decimal(-100), True)
    assert world.restricted == [(USER, "stop_loss reached at a result of -100")]
    assert world.squared_off == ["portfolio stop 20261123T060030000000"]
    assert len(world.alerts) == 1


@pytest.mark.parametrize(("wanted", "is_open"), [(0, True), (None, True), (1, False)])
def test_without_the_wish_or_without_positions_nothing_is_squared_off(
    wanted: int | None, *, is_open: bool
) -> None:
    world = World(Limits(take_profit=Decimal(100), stop_square_off=wanted))
    world.mark("1000")

    world.mark("1100", is_open=is_open)

    assert len(world.restricted) == 1
    assert world.squared_off == []


def test_a_process_that_dies_leaves_a_breached_stop_to_the_next_marking() -> None:
    world = World(Limits(trailing_stop=Decimal(50)))
    world.mark("1000")
    world.mark("1100")
    world.dies = True
    with pytest.raises(ConnectionError):
        world.mark("1050")
    assert world.store.rows[USER].breached is StopKind.TRAILING
    world.dies = False

    stop = world.mark("1300")

    assert stop is not None
    assert (stop.peak, stop.is_enforced) == (Decimal(100), True)
    assert len(world.restricted) == 1


def test_a_stop_ends_with_its_limit_and_waits_without_a_price() -> None:
    world = World(Limits(stop_loss=Decimal(100)))
    world.mark("1000")
    assert world.mark(None) == PortfolioStop(
        levels=world.limits.stop_levels, armed_at=NOW + timedelta(seconds=30), base=Decimal(1000)
    )

    world.limits = Limits()

    assert world.mark("100") is None
    assert world.restricted == []
