"""Margin and reserves that the orders of a book hold.

Margin is held for positions and resting units, a reserve for premium and charges of resting units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.margin_pool import Change, MarginPools, Shift
from angel_x.domain.book.risk import closes
from angel_x.domain.contracts.contract import is_future, underlying_of
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import PLACED, Order, Side
from angel_x.domain.values.money import ZERO


class _Needs(NamedTuple):
    """The needs of an order besides its margin."""

    #: Premium and charges, paid now or reserved.
    rupees: Decimal
    #: Whether the position covers all of its units.
    is_closing: bool
    #: Whether some of its units stay in the market.
    rests: bool = True


@dataclass(frozen=True, slots=True)
class Holds:
    """Holds and frees margin and reserves; exposures change with them."""

    accounts: Mapping[int, Account]
    exposures: dict[tuple[int, str], Exposure]
    margins: MarginPools
    #: Account and contract of changed exposures.
    exposed: set[tuple[int, str]]

    def exposure(self, order: Order) -> Exposure:
        """Return the exposure of the order's account in its contract."""
        key = order.user_id, order.symbol
        if key not in self.exposures:
            self.exposures[key] = Exposure(*key)
        return self.exposures[key]

    def take(self, order: Order, terms: Terms, quantity: int, stands: int) -> DenialReason | None:
        """Hold margin and reserve for trading ``quantity`` now and resting ``stands`` units.

        Return the reason, without a change, if the margin is unknown or the free balance insufficient.
        """
        if order.limit_price is None:
            order.limit_price = terms.limit_price
        premium = terms.fill_price * quantity if quantity and terms.fill_price else ZERO
        traded = order.traded_value + premium
        paid = terms.charges.on_fill(order.side, order.traded_value, traded)
        reserved = _reserve(order, stands, traded, terms.charges)
        if _pays_premium(order):
            paid += premium
        # As at the exchange, the premium of a sale is not credited before its margin is held.
        change = _change(order.side, traded=quantity, offered=stands)
        closing = order.is_exit or closes(order.side, quantity + stands, self.exposure(order))
        needs = _Needs(paid + reserved, is_closing=closing, rests=stands > 0)
        denial = self._margin(order, change, needs)
        if denial is None:
            self._set_reserve(order, reserved)
            self._expose(order, offered=stands, traded=quantity)
        return denial

    def retake(
        self,
        order: Order,
        amendment: Amendment,
        rates: ChargeRates,
        *,
        is_bound: bool = False,
    ) -> DenialReason | None:
        """Adjust margin and reserve to an amended order, or return the reason of the refusal.

        With ``is_bound`` the venue has made the change already, and the margin is held in any case.
        """
        leaves = amendment.quantity - order.filled_quantity
        more = leaves - order.leaves_quantity
        reserved = _reserve(order, leaves, order.traded_value, rates, amendment.limit_price)
        change = _change(order.side, offered=more)
        own = order.leaves_quantity if order.status in PLACED else 0
        closing = order.is_exit or closes(order.side, leaves, self.exposure(order), own=own)
        needs = _Needs(reserved - order.reserved, is_closing=closing)
        denial = self._margin(order, change, None if is_bound else needs)
        if denial is None:
            self._set_reserve(order, reserved)
            self._expose(order, offered=more)
        return denial

    def trade(self, order: Order, quantity: int, price: Decimal, rates: ChargeRates) -> None:
        """Turn resting units into units of the position."""
        traded = order.traded_value + price * quantity
        reserved = _reserve(order, order.leaves_quantity - quantity, traded, rates)
        self._set_reserve(order, reserved)
        self._margin(order, _change(order.side, traded=quantity, offered=-quantity))
        self._expose(order, offered=-quantity, traded=quantity)

    def release(self, order: Order) -> None:
        """Free the reserve and the margin of an open order."""
        self._set_reserve(order, ZERO)
        self._margin(order, _change(order.side, offered=-order.leaves_quantity))
        self._expose(order, offered=-order.leaves_quantity)

    def cap(self) -> None:
        """Hold no more margin than there is cash and collateral; the rest is the account's shortfall.

        A closing order may have taken more than all of it, which is a debit.
        """
        for account in self.accounts.values():
            if account.missing:
                account.margin_used -= self.margins.cap(account.id, account.missing)
                account.debit = account.missing

    def _margin(
        self, order: Order, change: Change, needs: _Needs | None = None
    ) -> DenialReason | None:
        """Hold the margin of ``change`` more units of the order's contract.

        Return the reason, without a change, if the margin is unknown or the account cannot afford it
        together with ``needs``.
        """
        underlying = underlying_of(order.symbol)
        pool = self.margins.of(order.user_id, underlying, self.exposures.values())
        shift = pool.shift(order.symbol, change)
        denial = None if needs is None else self._refusal(order, shift, needs)
        if denial is None:
            self.accounts[order.user_id].margin_used += shift.cost
        else:
            pool.undo(shift)
        return denial

    def _refusal(self, order: Order, shift: Shift, needs: _Needs) -> DenialReason | None:
        """Refuse an order whose margin is unknown, unless it buys back, or that is not affordable.

        A sale that closes a future takes no hedge paid for, so it counts as buying back.
        """
        buys_back = needs.is_closing and (order.side is Side.BUY or is_future(order.symbol))
        if not shift.is_known and not buys_back:
            return DenialReason.NO_RISK_ARRAY
        if not self._affords(order, shift, needs):
            return DenialReason.INSUFFICIENT_MARGIN
        return None

    def _affords(self, order: Order, shift: Shift, needs: _Needs) -> bool:
        """Return whether an account can bear the margin and the needs of an order.

        An account that is short of margin at the market of now may only reduce.  An order that reduces
        is not refused for margin: a closing purchase, and a closing sale that does not raise the
        requirement.  All of the cash pays for it that other orders do not reserve; without such orders it
        may even leave a debt.
        """
        account = self.accounts[order.user_id]
        available = account.free_balance - shift.collected
        is_open_to = available >= 0 or needs.rupees <= 0
        if is_open_to and shift.rise + needs.rupees <= max(available, ZERO):
            return True
        may_raise = order.side is Side.BUY and not is_future(order.symbol)
        if not needs.is_closing or (shift.rise > 0 and not may_raise):
            return False
        reserved = account.margin_used + shift.cost - self.margins.held_by(account.id)
        if not reserved and not needs.rests:
            return True
        return needs.rupees <= account.cash + account.collateral - reserved

    def _expose(self, order: Order, *, offered: int, traded: int = 0) -> None:
        """Change the resting units of an order by ``offered`` and the position by ``traded``."""
        exposure = self.exposure(order)
        exposure.offer(order.side, offered)
        exposure.net_quantity += order.side.sign * traded
        self.exposed.add((order.user_id, order.symbol))

    def _set_reserve(self, order: Order, reserved: Decimal) -> None:
        self.accounts[order.user_id].margin_used += reserved - order.reserved
        order.reserved = reserved


def _pays_premium(order: Order) -> bool:
    """Return whether an order pays for its units: it buys options."""
    return order.side is Side.BUY and not is_future(order.symbol)


def _change(side: Side, *, traded: int = 0, offered: int = 0) -> Change:
    """Return the change of a contract by units that trade and units that rest."""
    if side is Side.BUY:
        return Change(net=traded, buys=offered)
    return Change(net=-traded, sells=offered)


def _reserve(
    order: Order,
    stands: int,
    traded: Decimal,
    rates: ChargeRates,
    limit_price: Decimal | None = None,
) -> Decimal:
    """Return the reserve in rupees for ``stands`` units once ``traded`` rupees have traded.

    A purchase of an option reserves premium and charges at its limit.  A sale, and an order in a future,
    reserves its charges only, which may exceed its premium.
    """
    if not stands:
        return ZERO
    limit = order.limit_price if limit_price is None else limit_price
    assert limit is not None
    premium = limit * stands
    charges = rates.on_fill(order.side, traded, traded + premium)
    return premium + charges if _pays_premium(order) else charges
