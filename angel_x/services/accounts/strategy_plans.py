"""Plans of strategies: from a name and its strikes to the orders of a basket.  Nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.orders.order import OrderType, Side
from angel_x.domain.strategies.answers import PlannedOrder, StrategyPlan
from angel_x.domain.strategies.building import StrikeChoice, build, shape_of
from angel_x.domain.strategies.leg import OptionLeg
from angel_x.domain.strategies.strategy import Direction, Strategy, StrategyName
from angel_x.domain.values.money import ZERO
from angel_x.services.accounts.leg_market import LegMarkets
from angel_x.services.accounts.strategies import payoff_of
from angel_x.services.controls.control_forms import decode

_MOST_STRIKES = 4


class StrategyForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A strategy by name.  Strikes are chosen by one of offsets, deltas and strikes, the lowest first."""

    name: StrategyName
    underlying: Annotated[str, Meta(pattern=r"^[A-Z0-9&-]{1,20}\Z")]
    direction: Annotated[
        Direction | None, Meta(description="Needed where a name has two, such as a straddle")
    ] = None
    lots: Annotated[int, Meta(ge=1, le=10_000, description="Of a leg of ratio one")] = 1
    expiry: Annotated[date | None, Meta(description="By default the nearest")] = None
    far_expiry: Annotated[
        date | None, Meta(description="The second expiry of a calendar or diagonal")
    ] = None
    offsets: Annotated[
        list[Annotated[int, Meta(ge=-500, le=500)]],
        Meta(max_length=_MOST_STRIKES, description="Listed strikes above the money"),
    ] = []
    deltas: Annotated[
        list[Annotated[str, Meta(pattern=r"^(0|0?\.[0-9]{1,6}|1)\Z")]],
        Meta(max_length=_MOST_STRIKES, description="Absolute deltas as text: `0.25`"),
    ] = []
    strikes: Annotated[
        list[Annotated[str, Meta(pattern=r"^[0-9]{1,7}(\.[0-9]{1,2})?\Z")]],
        Meta(max_length=_MOST_STRIKES, description="Rupees as text"),
    ] = []
    tag: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00\ud800-\udfff]*\Z")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPlans:
    """Plans strategies on the chains of now."""

    #: Returns the chain of an expiry, of the nearest without one.
    chain: Callable[[str, date | None], OptionChain]
    markets: LegMarkets

    def plan(self, body: bytes) -> StrategyPlan:
        """Return the orders of a strategy, at the touch of now.

        Raises:
            InvalidInput: The form is not valid, or the strategy cannot be built on the chain.
            UnknownContract: Underlying or expiry is not listed.
        """
        form = decode(body, StrategyForm)
        shape = shape_of(form.name, form.direction)
        chains = [self.chain(form.underlying, form.expiry)]
        if form.far_expiry is not None:
            chains.append(self.chain(form.underlying, form.far_expiry))
        choice = StrikeChoice(
            offsets=form.offsets,
            deltas=[float(delta) for delta in form.deltas],
            strikes=[Decimal(strike) for strike in form.strikes],
        )
        strategy = build(shape, chains, choice, form.lots * chains[0].lot_size)
        quotes = {row.symbol: row for chain in chains for row in chain.rows}
        return self._planned(strategy, quotes, form.tag)

    def _planned(
        self, strategy: Strategy, quotes: Mapping[str, ContractGreeks], tag: str | None
    ) -> StrategyPlan:
        orders = tuple(_order(leg, quotes[leg.symbol], tag) for leg in strategy.legs)
        values = [
            order.side.sign * order.quantity * order.price
            for order in orders
            if order.price is not None
        ]
        cost = sum(values, ZERO) if len(values) == len(orders) else None
        market = self.markets.read([leg.symbol for leg in strategy.legs])
        return StrategyPlan(
            name=strategy.name,
            direction=strategy.direction,
            orders=orders,
            cost=cost,
            greeks=market.net_greeks(strategy.legs),
            payoff=None if cost is None else payoff_of(strategy.legs, cost),
        )


def _order(leg: OptionLeg, quote: ContractGreeks, tag: str | None) -> PlannedOrder:
    side = Side.BUY if leg.quantity > 0 else Side.SELL
    touch = quote.ask if side is Side.BUY else quote.bid
    return PlannedOrder(
        symbol=leg.symbol,
        side=side,
        quantity=abs(leg.quantity),
        order_type=OrderType.MARKET if touch is None else OrderType.LIMIT,
        price=touch,
        tag=tag,
    )
