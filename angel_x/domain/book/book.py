"""The book of one batch: accounts, exposures and positions, and their changes by each order.

Orders are folded in one by one, because the needs of an order depend on the orders before it.  All
changes that a transaction must write are collected here; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.book.account import Account, Exposure, Mark
from angel_x.domain.book.ledger import LedgerEntry, fill_entries
from angel_x.domain.book.margin_pool import Change, MarginPool, MarginPools, Shift
from angel_x.domain.book.moves import Fill, Move
from angel_x.domain.book.open_pnl import OpenPnl
from angel_x.domain.book.position import Closing, Position
from angel_x.domain.book.risk import TradingRules, closes, may_stand, refusal, refusal_to_amend
from angel_x.domain.book.settled import SettledPosition
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.exchange.answer import Execution
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.margin.unit_risk import RiskSheet
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason, MoveReason
from angel_x.domain.orders.order import (
    PLACED,
    Order,
    OrderStatus,
    Product,
    Side,
    Validity,
    check_move,
)
from angel_x.domain.values.money import ZERO


class _Needs(NamedTuple):
    """The needs of an order besides its margin."""

    #: Premium and charges, paid now or reserved.
    rupees: Decimal
    #: Whether the position covers all of its units.
    is_closing: bool
    #: Whether some of its units stay in the market.
    rests: bool = True


@dataclass(slots=True)
class Book:
    """The state for the decision of a batch, and the changes by its orders."""

    accounts: dict[int, Account]
    exposures: dict[tuple[int, str], Exposure]
    #: The open position of each account, contract and product.
    positions: dict[tuple[int, str, Product], Position]
    #: Trading states and limits at the time of the claim.
    rules: TradingRules = field(default_factory=TradingRules)
    #: Margin of the accounts by underlying.  It needs every open exposure of the accounts.
    margins: MarginPools = field(default_factory=MarginPools)
    #: The last marking of each account.
    marks: Mapping[int, Mark] = field(default_factory=dict)
    open_pnl: OpenPnl = field(default_factory=OpenPnl)
    #: Account and contract of changed exposures.
    exposed: set[tuple[int, str]] = field(default_factory=set)
    moves: list[Move] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    trades: list[tuple[int, str, Closing]] = field(default_factory=list)
    #: Positions that ended with their contract.
    settled: list[SettledPosition] = field(default_factory=list)
    #: Positions that became flat.
    flattened: list[Position] = field(default_factory=list)
    #: Amended orders, and whether they lose their time priority.
    amended: list[tuple[Order, bool]] = field(default_factory=list)
    #: Amendments to request from a venue, by order id.
    wanted: dict[int, Amendment] = field(default_factory=dict)
    #: Orders that wait for the next opening of the market.
    waiting: list[Order] = field(default_factory=list)

    @property
    def orders_moved(self) -> int:
        """The number of moved orders."""
        return len({move.order.id for move in self.moves})

    def moves_margin(self, orders: Iterable[Order], *, trades: bool) -> bool:
        """Return whether deciding these orders takes the risks of contracts.

        A purchase that only rests, in an account that is neither long nor short, takes none.
        """
        if trades or any(order.side is Side.SELL for order in orders):
            return True
        return any(e.worst_quantity or e.net_quantity for e in self.exposures.values())

    def take_risks(self, sheet: RiskSheet) -> None:
        """Margin and value the accounts by these risks from now on."""
        self.margins.sheet = sheet
        self.open_pnl.value(self.accounts, self.exposures.values(), self.margins.unit)

    def begin_day(self, day: date) -> None:
        """Start the day P&L of all accounts for ``day``, the market's date in India."""
        for account in self.accounts.values():
            account.begin_day(day)
            if mark := self.marks.get(account.id):
                account.opening_pnl = mark.opening_of(day)

    def decide(self, order: Order, terms: Terms) -> None:
        """Trade, rest, cancel or deny a received order."""
        order.attempt += 1
        reason = self._refusal(order, terms)
        if reason is not None:
            self.deny(order, reason)
            return
        quantity = terms.fill_quantity if terms.triggered and terms.fill_price is not None else 0
        if not quantity and order.validity is Validity.IOC:
            self._move(order, OrderStatus.CANCELED, CancelReason.NOT_MARKETABLE)
            return
        stands = 0 if order.validity is Validity.IOC else order.leaves_quantity - quantity
        if not self._hold(order, terms, quantity, stands):
            self.deny(order, DenialReason.INSUFFICIENT_MARGIN)
            return
        if quantity:
            assert terms.fill_price is not None
            self._execute(order, quantity, terms.fill_price, terms.charges, terms.execution_id)
        self._settle_rest(order, terms, held=stands > 0)

    def await_opening(self, order: Order, wait: timedelta) -> None:
        """Let a received order wait for the next opening, or deny it if it must not wait as long."""
        most = self.rules.limits(order.user_id).max_wait_hours
        is_long = most is not None and wait > timedelta(hours=float(most))
        if order.validity is Validity.IOC or (is_long and not order.is_exit):
            self.deny(order, DenialReason.MARKET_CLOSED)
        else:
            self.waiting.append(order)

    def submit(self, order: Order, terms: Terms) -> None:
        """Reserve the needs of an order and mark it as sent to a venue that answers later."""
        order.attempt += 1
        reason = self._refusal(order, terms)
        if reason is None and not self._hold(order, terms, 0, order.leaves_quantity):
            reason = DenialReason.INSUFFICIENT_MARGIN
        if reason is not None:
            self.deny(order, reason)
        else:
            self._move(order, OrderStatus.SUBMITTING, None)

    def resubmit(self, order: Order) -> None:
        """Begin another attempt to place an order whose lease has expired."""
        order.attempt += 1
        self._move(order, OrderStatus.SUBMITTING, MoveReason.LEASE_EXPIRED)

    def settle(self, order: Order, terms: Terms) -> None:
        """Take an offer for an order that was on its way to the venue."""
        denial = terms.denial or self._refusal_of_trigger(order, terms)
        if denial is not None:
            self.take_off(order, OrderStatus.REJECTED, denial)
            return
        if not self.may_stand(order):
            self.take_off(order, OrderStatus.CANCELED, CancelReason.KILL_SWITCH)
            return
        self._trade_offer(order, terms)
        self._settle_rest(order, terms, held=True)

    def match(self, order: Order, terms: Terms) -> None:
        """Trigger and fill a resting order, as far as the market allows."""
        if not self.may_stand(order):
            return
        if order.status is OrderStatus.TRIGGER_PENDING:
            if not terms.triggered:
                return
            if terms.denial is DenialReason.PRICE_BAND:
                self.take_off(order, OrderStatus.REJECTED, terms.denial)
                return
            self._move(order, OrderStatus.WORKING, MoveReason.TRIGGERED)
        if terms.denial is None:
            self._trade_offer(order, terms)

    def amend(self, order: Order, amendment: Amendment, terms: Terms) -> DenialReason | None:
        """Amend an open order, or return the reason of the refusal and leave it unchanged.

        ``terms`` are those of the order as amended.
        """
        denial = terms.denial or self._refusal_to_amend(order, amendment, terms)
        if denial is not None:
            return denial
        if order.status in PLACED and not self._rehold(order, amendment, terms.charges):
            return DenialReason.INSUFFICIENT_MARGIN
        self._restate(order, amendment, order.status)
        return None

    def ask_to_amend(self, order: Order, amendment: Amendment, terms: Terms) -> DenialReason | None:
        """Hold margin for an order with and without an amendment, and request it from the venue.

        Return the reason, without a change, if the amendment is refused.  Until the answer the order
        counts with the larger quantity and the higher price of the two.
        """
        denial = terms.denial or self._refusal_to_amend(order, amendment, terms)
        if denial is not None:
            return denial
        worst = amendment.at_worst(order)
        if not self._rehold(order, worst, terms.charges):
            return DenialReason.INSUFFICIENT_MARGIN
        order.attempt += 1
        self.wanted[order.id] = amendment
        self._restate(order, worst, OrderStatus.PENDING_AMEND)
        return None

    def ask_to_cancel(self, order: Order, reason: CancelReason) -> None:
        """Request the cancellation of an order from its venue; until the answer it may trade."""
        order.attempt += 1
        self._move(order, OrderStatus.PENDING_CANCEL, reason)

    def execute(self, order: Order, execution: Execution, rates: ChargeRates) -> None:
        """Take an execution at a venue; one that was recorded before changes nothing."""
        if execution.before >= order.filled_quantity:
            self._trade_held(order, execution.quantity, execution.price, rates, execution.id)

    def stand(self, order: Order, status: OrderStatus) -> None:
        """Set the status of an order that rests in the market, as its venue reports."""
        if order.status is not status:
            self._move(order, status, None)

    def stand_changed(
        self, order: Order, status: OrderStatus, standing: Amendment, rates: ChargeRates
    ) -> None:
        """Set quantity and prices of an order as its venue reports, whatever margin they need."""
        self._rehold(order, standing, rates, is_bound=True)
        self._restate(order, standing, status)

    def deny(self, order: Order, reason: DenialReason, detail: str | None = None) -> None:
        """Deny a received order."""
        self._move(order, OrderStatus.DENIED, reason, detail)

    def take_off(
        self,
        order: Order,
        status: OrderStatus,
        reason: CancelReason | DenialReason,
        detail: str | None = None,
    ) -> None:
        """Close the open quantity, and free its margin and reserve."""
        if order.status in PLACED:
            self._release(order)
        self._move(order, status, reason, detail)

    def may_stand(self, order: Order) -> bool:
        """Return whether the trading states allow an open order to stay open and to trade."""
        state = self.rules.state(order.user_id, underlying_of(order.symbol))
        return may_stand(order, self.exposure(order), state)

    def exposure(self, order: Order) -> Exposure:
        """Return the exposure of the order's account in its contract."""
        key = order.user_id, order.symbol
        if key not in self.exposures:
            self.exposures[key] = Exposure(*key)
        return self.exposures[key]

    def _refusal(self, order: Order, terms: Terms) -> DenialReason | None:
        denial = terms.denial or self._refusal_of_trigger(order, terms)
        if denial is not None:
            return denial
        if order.is_exit:
            # Exits pass every trading state, but must still reduce the position.
            return None if self._reduces(order) else DenialReason.REDUCING_ONLY
        key = order.user_id, order.symbol
        exposure = self.exposures.get(key) or Exposure(*key)
        return refusal(order, self.accounts[order.user_id], exposure, terms, self.rules)

    def _refusal_of_trigger(self, order: Order, terms: Terms) -> DenialReason | None:
        """Refuse a stop whose trigger has passed, as the exchange does, unless its account allows it."""
        is_allowed = self.rules.limits(order.user_id).trigger_at_once
        return DenialReason.TRIGGER_PASSED if terms.trigger_passed and not is_allowed else None

    def _reduces(self, order: Order) -> bool:
        """Return whether the position of the order's product covers all of its units."""
        position = self.positions.get((order.user_id, order.symbol, order.product))
        if position is None:
            return False
        return order.leaves_quantity <= -order.side.sign * position.quantity

    def _refusal_to_amend(
        self, order: Order, amendment: Amendment, terms: Terms
    ) -> DenialReason | None:
        if amendment.trigger_price != order.trigger_price:
            denial = self._refusal_of_trigger(order, terms)
            if denial is not None:
                return denial
        account, exposure = self.accounts[order.user_id], self.exposure(order)
        return refusal_to_amend(order, amendment, account, exposure, terms, self.rules)

    def _hold(self, order: Order, terms: Terms, quantity: int, stands: int) -> bool:
        """Hold margin and reserve for trading ``quantity`` now and resting ``stands`` units.

        Return False, without a change, if the free balance is insufficient.
        """
        account = self.accounts[order.user_id]
        if order.limit_price is None:
            order.limit_price = terms.limit_price
        premium = terms.fill_price * quantity if quantity and terms.fill_price else ZERO
        traded = order.traded_value + premium
        paid = terms.charges.on_fill(order.side, order.traded_value, traded)
        reserved = _reserve(order, stands, traded, terms.charges)
        if order.side is Side.BUY:
            paid += premium
        # As at the exchange, the premium of a sale is not credited before its margin is held.
        change = _change(order.side, traded=quantity, offered=stands)
        closing = order.is_exit or closes(order.side, quantity + stands, self.exposure(order))
        needs = _Needs(paid + reserved, is_closing=closing, rests=stands > 0)
        if not self._margin(order, change, needs):
            return False
        self._set_reserve(account, order, reserved)
        self._expose(order, offered=stands, traded=quantity)
        return True

    def _restate(self, order: Order, amendment: Amendment, status: OrderStatus) -> None:
        """Apply an amendment to an order, under a status."""
        before = Amendment.of(order)
        self.amended.append((order, amendment.loses_priority(order)))
        order.quantity = amendment.quantity
        order.limit_price, order.trigger_price = amendment.limit_price, amendment.trigger_price
        self._move(order, status, MoveReason.AMENDED, amendment.differences(before))

    def _rehold(
        self,
        order: Order,
        amendment: Amendment,
        rates: ChargeRates,
        *,
        is_bound: bool = False,
    ) -> bool:
        """Adjust margin and reserve to an amended order; return False, without a change, if insufficient.

        With ``is_bound`` the venue has made the change already, and the margin is held in any case.
        """
        account = self.accounts[order.user_id]
        leaves = amendment.quantity - order.filled_quantity
        more = leaves - order.leaves_quantity
        reserved = _reserve(order, leaves, order.traded_value, rates, amendment.limit_price)
        change = _change(order.side, offered=more)
        own = order.leaves_quantity if order.status in PLACED else 0
        closing = order.is_exit or closes(order.side, leaves, self.exposure(order), own=own)
        needs = _Needs(reserved - order.reserved, is_closing=closing)
        if not self._margin(order, change, None if is_bound else needs):
            return False
        self._set_reserve(account, order, reserved)
        self._expose(order, offered=more)
        return True

    def _release(self, order: Order) -> None:
        """Free the reserve and the margin of an open order."""
        self._set_reserve(self.accounts[order.user_id], order, ZERO)
        self._margin(order, _change(order.side, offered=-order.leaves_quantity))
        self._expose(order, offered=-order.leaves_quantity)

    def _trade_offer(self, order: Order, terms: Terms) -> None:
        if terms.triggered and terms.fill_price is not None and terms.fill_quantity:
            self._trade_held(
                order, terms.fill_quantity, terms.fill_price, terms.charges, terms.execution_id
            )

    def _trade_held(
        self,
        order: Order,
        quantity: int,
        price: Decimal,
        rates: ChargeRates,
        execution_id: str,
    ) -> None:
        """Execute units whose margin and reserve are held already."""
        traded = order.traded_value + price * quantity
        reserved = _reserve(order, order.leaves_quantity - quantity, traded, rates)
        self._set_reserve(self.accounts[order.user_id], order, reserved)
        self._margin(order, _change(order.side, traded=quantity, offered=-quantity))
        self._expose(order, offered=-quantity, traded=quantity)
        self._execute(order, quantity, price, rates, execution_id)

    def _settle_rest(self, order: Order, terms: Terms, *, held: bool) -> None:
        """Rest the open quantity, or cancel it if it is immediate-or-cancel.

        ``held`` is whether margin and reserve are held for it.
        """
        if order.status is OrderStatus.FILLED:
            return
        if order.validity is Validity.IOC:
            reason = (
                CancelReason.NOT_FILLED_AT_ONCE
                if order.filled_quantity
                else CancelReason.NOT_MARKETABLE
            )
            if held:
                self._release(order)
            self._move(order, OrderStatus.CANCELED, reason)
        elif not order.filled_quantity:
            resting = OrderStatus.WORKING if terms.triggered else OrderStatus.TRIGGER_PENDING
            self._move(order, resting, None)

    def _execute(
        self,
        order: Order,
        quantity: int,
        price: Decimal,
        rates: ChargeRates,
        execution_id: str,
    ) -> None:
        """Book the execution of units that the exposure contains already."""
        account = self.accounts[order.user_id]
        traded = order.traded_value + price * quantity
        charges = rates.on_fill(order.side, order.traded_value, traded)
        cost_change, realised = self._fold(order, quantity, price)
        self.open_pnl.trade(account, self.exposure(order), cost_change)
        entries, cash = fill_entries(
            order.user_id, order.id, cost_change=cost_change, realised=realised, charges=charges
        )
        self.entries += entries
        account.cash += cash
        account.realised_pnl += realised
        account.day_pnl += realised - charges
        self.fills.append(Fill(order, quantity, price, execution_id, account.pnl_day))
        order.traded_value = traded
        order.filled_quantity += quantity
        is_filled = order.filled_quantity == order.quantity
        self._move(order, OrderStatus.FILLED if is_filled else OrderStatus.PARTIALLY_FILLED, None)

    def _fold(self, order: Order, quantity: int, price: Decimal) -> tuple[Decimal, Decimal]:
        """Fold a fill into the position; return the change of its cost and the realised P&L."""
        position = self._position(order)
        cost_before, realised = position.cost, ZERO
        closing = 0
        if position.quantity * order.side.sign < 0:
            closing = min(quantity, abs(position.quantity))
            closed = position.close(order.side, closing, price)
            realised = closed.realised_pnl
            self.trades.append((order.user_id, order.symbol, closed))
        cost_change = position.cost - cost_before
        if position.is_flat and closing:
            self.flattened.append(self.positions.pop((order.user_id, order.symbol, order.product)))
        if quantity > closing:
            cost_change += self._position(order).open(order.side, quantity - closing, price)
        return cost_change, realised

    def _position(self, order: Order) -> Position:
        key = order.user_id, order.symbol, order.product
        if key not in self.positions:
            self.positions[key] = Position(*key)
        return self.positions[key]

    def pool(self, user_id: int, underlying: str) -> MarginPool:
        """Return the margin of an account in an underlying."""
        return self.margins.of(user_id, underlying, self.exposures.values())

    def _margin(self, order: Order, change: Change, needs: _Needs | None = None) -> bool:
        """Hold the margin of ``change`` more units of the order's contract.

        Return False, without a change, if the account cannot afford it together with ``needs``.
        """
        pool = self.pool(order.user_id, underlying_of(order.symbol))
        shift = pool.shift(order.symbol, change)
        if needs is not None and not self._affords(order, shift, needs):
            pool.undo(shift)
            return False
        self.accounts[order.user_id].margin_used += shift.cost
        return True

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
        if not needs.is_closing or (order.side is Side.SELL and shift.rise > 0):
            return False
        reserved = account.margin_used + shift.cost - self.margins.held_by(account.id)
        if not reserved and not needs.rests:
            return True
        return needs.rupees <= account.cash + account.collateral - reserved

    def cap_margins(self) -> None:
        """Hold no more margin than there is cash and collateral; the rest is the account's shortfall.

        A closing order may have taken more than all of it, which is a debit.
        """
        for account in self.accounts.values():
            if account.missing:
                account.margin_used -= self.margins.cap(account.id, account.missing)
                account.debit = account.missing

    def _expose(self, order: Order, *, offered: int, traded: int = 0) -> None:
        """Change the resting units of an order by ``offered`` and the position by ``traded``."""
        exposure = self.exposure(order)
        exposure.offer(order.side, offered)
        exposure.net_quantity += order.side.sign * traded
        self.exposed.add((order.user_id, order.symbol))

    def _set_reserve(self, account: Account, order: Order, reserved: Decimal) -> None:
        account.margin_used += reserved - order.reserved
        order.reserved = reserved

    def _move(
        self, order: Order, status: OrderStatus, reason: str | None, detail: str | None = None
    ) -> None:
        check_move(order.status, status)
        account = self.accounts[order.user_id]
        account.open_orders += (status in PLACED) - (order.status in PLACED)
        order.status, order.reason = status, reason
        self.moves.append(Move(order, status, reason, detail))


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

    A purchase reserves premium and charges at its limit.  A sale reserves its charges only, which may
    exceed its premium.
    """
    if not stands:
        return ZERO
    limit = order.limit_price if limit_price is None else limit_price
    assert limit is not None
    premium = limit * stands
    charges = rates.on_fill(order.side, traded, traded + premium)
    return premium + charges if order.side is Side.BUY else charges
