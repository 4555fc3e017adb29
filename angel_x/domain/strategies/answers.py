"""Scenarios and strategies as the API sends them; money is in rupees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from angel_x.domain.orders.order import OrderType, Side
from angel_x.domain.strategies.concentration import Concentration
from angel_x.domain.strategies.payoff import Payoff
from angel_x.domain.strategies.strategy import Direction, Strategy, StrategyName


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoffCurve:
    """The P&L of the contracts of one underlying since they were opened, before charges."""

    underlying: str
    spot: Decimal
    #: The nearest expiry; later contracts are worth their model price then.
    expiry: date
    #: Prices of the underlying, ascending.
    spots: tuple[Decimal, ...]
    #: One value for each of ``spots``: on each of the days of the request, and at the expiry.
    before: tuple[tuple[float, ...], ...]
    at_expiry: tuple[float, ...]
    #: Exact extremes and zeros at expiry; None where contracts expire on several days.
    exact: Payoff | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioReport:
    """A book with orders that were not sent, in a grid of market states."""

    spot_percents: tuple[float, ...]
    vol_percents: tuple[float, ...]
    days: tuple[float, ...]
    #: Change of value from now: one table for each of ``days``, one row for each spot, one number for
    #: each volatility.
    profit: tuple[tuple[tuple[float, ...], ...], ...]
    #: Required margin in the same order; None where that of a contract is unknown.
    margin: tuple[tuple[tuple[Decimal | None, ...], ...], ...]
    payoffs: tuple[PayoffCurve, ...]
    concentration: Concentration
    strategies: tuple[Strategy, ...]
    #: Options without a volatility, futures without a quote, and contracts without a price of the
    #: underlying, which are left out.
    unpriced: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyGreeks:
    """Greeks times units, summed; None where a contract has none."""

    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPosition:
    """A strategy that an account holds."""

    strategy: Strategy
    #: Paid for its units, negative where received.
    cost: Decimal
    unrealised_pnl: Decimal | None
    greeks: StrategyGreeks
    #: None where the legs expire on several days.
    payoff: Payoff | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReport:
    """The positions and the P&L of one tag of orders; fills of other tags do not close them."""

    #: Empty for orders without a tag.
    tag: str
    #: Contracts that the tag holds.
    open_contracts: int
    realised_average_cost: Decimal
    realised_fifo: Decimal
    charges: Decimal
    unrealised_pnl: Decimal | None
    greeks: StrategyGreeks
    strategies: tuple[Strategy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReports:
    """Every tag of an account, by name."""

    tags: tuple[TagReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyList:
    """The strategies of an account, and contracts without a name."""

    strategies: tuple[StrategyPosition, ...]
    #: Units by contract, negative where they are short.
    rest: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """An order of a strategy, in the form of a leg of a basket."""

    symbol: str
    side: Side
    quantity: int
    order_type: OrderType
    #: The touch of now; None for an order at market, where there is no quote.
    price: Decimal | None
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPlan:
    """A strategy to trade: ``orders`` are those of `POST /v1/baskets`."""

    name: StrategyName
    direction: Direction
    orders: tuple[PlannedOrder, ...]
    #: Paid at the prices of the orders, negative where received; None without a quote.
    cost: Decimal | None
    greeks: StrategyGreeks
    payoff: Payoff | None
