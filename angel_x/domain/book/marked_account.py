"""Accounts before and after their marking to the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from angel_x.domain.book.account import Account, Mark
from angel_x.domain.margin.fleet_margin import FleetColumns
from angel_x.domain.values.money import ZERO


@dataclass(frozen=True, slots=True)
class StandingAccount:
    """An account as it is stored, with its last marking."""

    account: Account
    #: Held margin by underlying.
    held: Mapping[str, Decimal]
    mark: Mark | None
    #: The first marking since which it has been short of margin without a break.
    short_since: datetime | None
    #: Whether it has positions or orders in the market.
    is_open: bool = True

    @property
    def reserved(self) -> Decimal:
        """Rupees that resting orders reserve."""
        return self.account.margin_used - sum(self.held.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The accounts that hold, offer or owe something, with their open contracts."""

    standing: Sequence[StandingAccount]
    columns: FleetColumns


@dataclass(frozen=True, slots=True)
class LastMarking:
    """When the fleet was last marked, and at which spots."""

    at: datetime
    #: Rupees by underlying.
    spots: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketValues:
    """Margin and open P&L of an account at the market of now, in rupees."""

    #: By underlying; without risk arrays the held margin.
    required: Mapping[str, Decimal]
    exposure: Decimal
    option_value: Decimal
    unrealised: Decimal
    short_pnl: Decimal
    #: Cash and the value of all positions; None where a position has no price.
    equity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MarkedAccount:
    """An account, and its marking."""

    standing: StandingAccount
    values: MarketValues
    #: Held margin by underlying from now on.
    held: Mapping[str, Decimal]
    mark: Mark
    #: Rupees by which margin and reserves exceed cash and collateral less open losses of shorts.
    shortfall: Decimal
    short_since: datetime | None

    @property
    def user_id(self) -> int:
        return self.standing.account.id

    @property
    def required(self) -> Decimal:
        return sum(self.values.required.values(), ZERO)

    @property
    def margin_used(self) -> Decimal:
        return sum(self.held.values(), ZERO) + self.standing.reserved

    @property
    def is_newly_short(self) -> bool:
        return self.short_since is not None and self.standing.short_since is None

    @property
    def is_cured(self) -> bool:
        return self.short_since is None and self.standing.short_since is not None

    def day_result(self, day: date) -> Decimal:
        """Return the P&L since the opening of a day."""
        account = self.standing.account
        realised = account.day_pnl if account.pnl_day == day else ZERO
        return realised + self.mark.unrealised - self.mark.opening_pnl


def marked(
    standing: StandingAccount, values: MarketValues, day: date, now: datetime
) -> MarkedAccount:
    """Mark an account: hold the requirement, as far as cash and collateral reach."""
    account = standing.account
    account.short_pnl = values.short_pnl
    required = sum(values.required.values(), ZERO)
    missing = required + standing.reserved - account.funds
    before = standing.mark
    opening = before.opening_of(day) if before else ZERO
    return MarkedAccount(
        standing,
        values,
        _held(values.required, account.cash + account.collateral - standing.reserved),
        Mark(day, opening, values.unrealised),
        max(missing, ZERO),
        (standing.short_since or now) if missing > 0 else None,
    )


def _held(required: Mapping[str, Decimal], available: Decimal) -> dict[str, Decimal]:
    """Return the required margins, the last ones less where there is not enough for all."""
    held, left = {}, max(available, ZERO)
    for name, rupees in sorted(required.items()):
        held[name] = min(rupees, left)
        left -= held[name]
    return held
