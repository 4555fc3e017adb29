"""Scenarios of the book, and strategies by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from angel_x.client.connection import Connection, OrderFields, listed, stated
from angel_x.domain.strategies.answers import (
    ScenarioReport,
    StrategyList,
    StrategyPlan,
    TagReports,
)
from angel_x.domain.strategies.strategy import Direction, StrategyName


class StrategyCalls(Connection):
    """Questions about books; nothing is stored."""

    def scenarios(
        self,
        orders: OrderFields | Iterable[OrderFields] = (),
        *,
        spot_percents: Sequence[float] | None = None,
        vol_percents: Sequence[float] | None = None,
        days: Sequence[float] | None = None,
        underlying: str | None = None,
    ) -> ScenarioReport:
        """Return the book, with orders that are not sent, in a grid of market states."""
        body = stated(
            orders=listed(orders),
            spot_percents=spot_percents,
            vol_percents=vol_percents,
            days=days,
            underlying=underlying,
        )
        return self._call("POST", "/v1/scenarios", ScenarioReport, body=body)

    def strategies(self) -> StrategyList:
        """Return the strategies in the positions, by name."""
        return self._call("GET", "/v1/strategies", StrategyList)

    def tags(self) -> TagReports:
        """Return positions, Greeks and P&L by tag."""
        return self._call("GET", "/v1/strategies/tags", TagReports)

    def plan_strategy(
        self,
        name: StrategyName | str,
        underlying: str,
        *,
        direction: Direction | str | None = None,
        lots: int = 1,
        expiries: Sequence[date] = (),
        offsets: Sequence[int] | None = None,
        deltas: Sequence[str] | None = None,
        strikes: Sequence[str] | None = None,
        tag: str | None = None,
    ) -> StrategyPlan:
        """Return the orders of a strategy, for :meth:`submit_basket`; strikes are given in one of three ways."""
        body = stated(
            name=name,
            underlying=underlying,
            direction=direction,
            lots=lots,
            **dict(zip(("expiry", "far_expiry"), expiries, strict=False)),
            offsets=offsets,
            deltas=deltas,
            strikes=strikes,
            tag=tag,
        )
        return self._call("POST", "/v1/strategies", StrategyPlan, body=body)
