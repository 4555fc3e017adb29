"""The book of one batch: accounts, exposures and positions, and their changes by each order.

Orders are folded in one by one, because the needs of an order depend on the orders before it.  All
changes that a transaction must write are collected here; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from angel_x.domain.book.account import Account, Exposure, Mark
from angel_x.domain.book.fill_booking import FillBooking
from angel_x.domain.book.holds import Holds
from angel_x.domain.book.ledger import LedgerEntry
from angel_x.domain.book.margin_pool import MarginPool, MarginPools
from angel_x.domain.book.moves import Fill, Move
from angel_x.domain.book.open_pnl import OpenPnl
from angel_x.domain.book.order_refusals import OrderRefusals
from angel_x.domain.book.position import Closing, Position
from angel_x.domain.book.risk import TradingRules, may_stand
from angel_x.domain.book.settled import SettledPosition
from angel_x.domain.contracts.contract import is_future, underlying_of
from angel_x.domain.exchange.answer import VenueExecution
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
    _refusals: OrderRefusals = field(init=False, repr=False)
    _holds: Holds = field(init=False, repr=False)
    _booking: FillBooking = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._refusals = OrderRefusals(self.accounts, self.exposures, self.positions)
        self._holds = Holds(self.accounts, self.exposures, self.margins, self.exposed)
        self._booking = FillBooking(
            self.accounts,
            self.positions,
            self.open_pnl,
            self.fills,
            self.entries,
            self.trades,
            self.flattened,
        )

    @property
    def orders_moved(self) -> int:
        """The number of moved orders."""
        return len({move.order.id for move in self.moves})

    def moves_margin(self, orders: Iterable[Order], *, trades: bool) -> bool:
        """Return whether deciding these orders takes the risks of contracts.

        A purchase of an option that only rests, in an account that is neither long nor short, takes none.
        """
        if trades or any(o.side is Side.SELL or is_future(o.symbol) for o in orders):
            return True
        return any(
            e.worst_quantity or e.net_quantity or is_future(e.symbol)
            for e in self.exposures.values()
        )

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
        reason = self._refusals.of(order, terms, self.rules)
        if reason is not None:
            self.deny(order, reason)
            return
        quantity = terms.fill_quantity if terms.triggered and terms.fill_price is not None else 0
        if not quantity and order.validity is Validity.IOC:
            self._move(order, OrderStatus.CANCELED, CancelReason.NOT_MARKETABLE)
            return
        stands = 0 if order.validity is Validity.IOC else order.leaves_quantity - quantity
        reason = self._holds.take(order, terms, quantity, stands)
        if reason is not None:
            self.deny(order, reason)
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
        reason = self._refusals.of(order, terms, self.rules)
        if reason is None:
            reason = self._holds.take(order, terms, 0, order.leaves_quantity)
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
        denial = terms.denial or self._refusals.of_trigger(order, terms, self.rules)
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
        if not self.may_stand(order) or not self._refusals.may_trade(order, terms):
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
        denial = self._refusal_to_amend(order, amendment, terms)
        if denial is not None:
            return denial
        if order.status in PLACED:
            denial = self._holds.retake(order, amendment, terms.charges)
        if denial is None:
            self._restate(order, amendment, order.status)
        return denial

    def ask_to_amend(self, order: Order, amendment: Amendment, terms: Terms) -> DenialReason | None:
        """Hold margin for an order with and without an amendment, and request it from the venue.

        Return the reason, without a change, if the amendment is refused.  Until the answer the order
        counts with the larger quantity and the higher price of the two.
        """
        denial = self._refusal_to_amend(order, amendment, terms)
        if denial is not None:
            return denial
        worst = amendment.at_worst(order)
        denial = self._holds.retake(order, worst, terms.charges)
        if denial is not None:
            return denial
        order.attempt += 1
        self.wanted[order.id] = amendment
        self._restate(order, worst, OrderStatus.PENDING_AMEND)
        return None

    def ask_to_cancel(self, order: Order, reason: CancelReason) -> None:
        """Request the cancellation of an order from its venue; until the answer it may trade."""
        order.attempt += 1
        self._move(order, OrderStatus.PENDING_CANCEL, reason)

    def execute(self, order: Order, execution: VenueExecution, rates: ChargeRates) -> None:
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
        """Set quantity and prices of an order as its venue reports, even beyond the free balance."""
        self._holds.retake(order, standing, rates, is_bound=True)
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
            self._holds.release(order)
        self._move(order, status, reason, detail)

    def may_stand(self, order: Order) -> bool:
        """Return whether the trading states allow an open order to stay open and to trade."""
        state = self.rules.state(order.user_id, underlying_of(order.symbol))
        return may_stand(order, self._holds.exposure(order), state)

    def _refusal_to_amend(
        self, order: Order, amendment: Amendment, terms: Terms
    ) -> DenialReason | None:
        exposure = self._holds.exposure(order)
        return self._refusals.of_amendment(order, amendment, exposure, terms, self.rules)

    def _restate(self, order: Order, amendment: Amendment, status: OrderStatus) -> None:
        """Apply an amendment to an order, under a status."""
        before = Amendment.of(order)
        self.amended.append((order, amendment.loses_priority(order)))
        order.quantity = amendment.quantity
        order.limit_price, order.trigger_price = amendment.limit_price, amendment.trigger_price
        self._move(order, status, MoveReason.AMENDED, amendment.differences(before))

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
        self._holds.trade(order, quantity, price, rates)
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
                self._holds.release(order)
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
        exposure = self._holds.exposure(order)
        self._booking.book(order, exposure, quantity, price, rates, execution_id)
        is_filled = order.filled_quantity == order.quantity
        self._move(order, OrderStatus.FILLED if is_filled else OrderStatus.PARTIALLY_FILLED, None)

    def pool(self, user_id: int, underlying: str) -> MarginPool:
        """Return the margin of an account in an underlying."""
        return self.margins.of(user_id, underlying, self.exposures.values())

    def cap_margins(self) -> None:
        """Hold no more margin than there is cash and collateral."""
        self._holds.cap()

    def _move(
        self, order: Order, status: OrderStatus, reason: str | None, detail: str | None = None
    ) -> None:
        check_move(order.status, status)
        account = self.accounts[order.user_id]
        account.open_orders += (status in PLACED) - (order.status in PLACED)
        order.status, order.reason = status, reason
        self.moves.append(Move(order, status, reason, detail))
