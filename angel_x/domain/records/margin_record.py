"""Cash and margin of an account, and their change by orders, as the API sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Side
from angel_x.domain.values.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginParts:
    """Margin of the worst case of an account in an underlying, in rupees, at the market of now.

    ``required`` is the sum of the other parts less ``net_option_value``, limited at zero before
    exposure margin.
    """

    #: Loss in the worst of the scenarios.
    scan: Decimal
    #: Calendar spread charge, because expiries do not move together.
    calendar: Decimal
    #: Value of long options less that of short ones.
    net_option_value: Decimal
    #: Exposure margin, and the percentage margin of contracts without a risk array.
    exposure: Decimal
    #: The addition for short units on their day of expiry.
    expiry_day: Decimal
    #: Where the underlying has no price the requirement is unknown, and this is ``held``.
    required: Decimal
    #: The part of cash and collateral that is held; equal to ``required`` if the market has not
    #: moved since.
    held: Decimal
    #: Rupees by which the margins of the short units one by one exceed the required margin.
    hedge_benefit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Cash and margin of an account."""

    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    #: Cash and collateral, less open losses of short positions, that ``required`` and the reserves of
    #: resting orders leave; negative where the account is short of margin.
    free_balance: Decimal
    realised_pnl: Decimal
    #: Margin of short positions and resting sales, by underlying; the rest of ``margin_used`` is
    #: premium and charges of resting orders.
    held: Mapping[str, Decimal] = field(default_factory=dict)
    #: Of open positions, at the market of now.
    unrealised_pnl: Decimal = ZERO
    #: Since the opening of the market's day: realised less charges, and the change of open P&L.
    day_pnl: Decimal = ZERO
    #: Margin of all underlyings at the market of now; ``margin_used`` follows with the next order or
    #: marking, as far as cash and collateral reach.
    required: Decimal = ZERO
    #: Rupees by which requirement and reserves exceed the funds; only orders that reduce pass then.
    shortfall: Decimal = ZERO
    #: The parts of the margin of the present book, by underlying.
    underlyings: Mapping[str, MarginParts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEstimate:
    """One order of an estimate."""

    symbol: str
    side: Side
    quantity: int
    #: The assumed trade price in rupees: its limit; None where it would be denied for want of one.
    price: Decimal | None
    #: The reason of its denial, None where it would pass.
    reason: DenialReason | None
    #: The source of the margin of its contract.
    margin_source: MarginSource


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingEstimate:
    """Margin of one underlying before and after the orders of an estimate."""

    underlying: str
    before: MarginParts
    after: MarginParts
    #: That of ``after``.
    hedge_benefit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginEstimate:
    """The change of an account if each order traded in full at its limit, purchases first.

    Amounts include orders that only the free balance does not allow.
    """

    #: Whether none of the orders would be denied.
    fits: bool
    #: The increase of margin used; negative where margin is freed.
    initial_margin: Decimal
    #: Net premium received in rupees; negative where it is paid.
    premium: Decimal
    charges: Decimal
    margin_used: Decimal
    margin_used_after: Decimal
    free_balance: Decimal
    free_balance_after: Decimal
    orders: tuple[OrderEstimate, ...]
    #: The underlyings of the orders, by name; without orders those of the account.
    underlyings: tuple[UnderlyingEstimate, ...]
