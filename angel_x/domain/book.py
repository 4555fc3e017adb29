"""The book of one batch: accounts, exposures and positions, and what each order does to them.

Orders are folded in one after the other, because what an order needs depends on what the orders
before it did.  Everything that a transaction has to write is collected here; nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from angel_x.domain.account import Account, Exposure
from angel_x.domain.charges import ChargeRates
from angel_x.domain.denial import CancelReason, DenialReason
from angel_x.domain.ledger import LedgerEntry, fill_entries
from angel_x.domain.money import ZERO
from angel_x.domain.order import Order, OrderStatus, Side, Validity, check_move
from angel_x.domain.position import Closing, Position


@dataclass(frozen=True, slots=True)
class Terms:
    """What the market and the rules offer to one order."""

    #: Rupees a unit; None where the order does not trade now.
    fill_price: Decimal | None
    #: Rupees for one unit short.
    margin_per_unit: Decimal
    charges: ChargeRates
    #: Set where the order must not trade whatever the account has.
    denial: DenialReason | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One step in an order's life, to become an event."""

    order: Order
    status: OrderStatus
    reason: str | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution."""

    order: Order
    quantity: int
    #: Rupees a unit.
    price: Decimal
    #: Derived from the order and how much of it had traded, so a repeated fill has the same one.
    execution_id: str


@dataclass(slots=True)
class Book:
    """The state that the orders of a batch are decided against, and what they did to it."""

    accounts: dict[int, Account]
    exposures: dict[tuple[int, str], Exposure]
    #: The open position of each account and contract.
    positions: dict[tuple[int, str], Position]
    moves: list[Move] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    trades: list[tuple[int, str, Closing]] = field(default_factory=list)
    #: Positions that became flat.
    flattened: list[Position] = field(default_factory=list)

    def decide(self, order: Order, terms: Terms) -> None:
        """Trade, rest, cancel or deny an order that was received."""
        if terms.denial is not None:
            self.deny(order, terms.denial)
        elif terms.fill_price is not None:
            self._decide_fill(order, terms, terms.fill_price)
        elif order.validity is Validity.IOC:
            self._move(order, OrderStatus.CANCELED, CancelReason.NOT_MARKETABLE)
        else:
            self._decide_rest(order, terms)

    def match(self, order: Order, terms: Terms) -> None:
        """Trade an order that rests, if the market has come to it."""
        if terms.fill_price is None or terms.denial is not None:
            return
        account, exposure = self.accounts[order.user_id], self.exposure(order)
        account.margin_used -= order.reserved
        order.reserved = ZERO
        if order.side is Side.SELL:
            # What was offered becomes what is short: the same units, so the margin stays.
            exposure.open_sell_quantity -= order.leaves_quantity
            exposure.net_quantity -= order.leaves_quantity
        else:
            self._hold(order, terms)
        self._execute(order, terms.fill_price, terms.charges)

    def deny(self, order: Order, reason: DenialReason, detail: str | None = None) -> None:
        """Refuse an order that was received."""
        self._move(order, OrderStatus.DENIED, reason, detail)

    def take_off(self, order: Order, status: OrderStatus, reason: CancelReason) -> None:
        """Cancel or expire what has not traded, and free what was held for it."""
        if order.status is not OrderStatus.RECEIVED:
            self._release(order)
        self._move(order, status, reason)

    def exposure(self, order: Order) -> Exposure:
        key = order.user_id, order.symbol
        if key not in self.exposures:
            self.exposures[key] = Exposure(*key)
        return self.exposures[key]

    def _decide_fill(self, order: Order, terms: Terms, price: Decimal) -> None:
        account, exposure = self.accounts[order.user_id], self.exposure(order)
        short = -order.side.sign * order.leaves_quantity
        added = exposure.margin_after(short, terms.margin_per_unit) - exposure.margin
        premium = price * order.leaves_quantity
        paid = terms.charges.on_fill(order.side, premium, opens_order=True)
        if order.side is Side.BUY:
            paid += premium
        # A sale's premium is not credited before its margin stands: the exchange does not either.
        if added + paid > account.free_balance:
            self.deny(order, DenialReason.INSUFFICIENT_MARGIN)
        else:
            self._hold(order, terms)
            self._execute(order, price, terms.charges)

    def _decide_rest(self, order: Order, terms: Terms) -> None:
        account, exposure = self.accounts[order.user_id], self.exposure(order)
        assert order.limit_price is not None
        premium = order.limit_price * order.leaves_quantity
        charges = terms.charges.on_fill(order.side, premium, opens_order=True)
        if order.side is Side.BUY:
            reserved, margin = premium + charges, exposure.margin
        else:
            # Charges of a sale come out of its premium, and its margin is held from now on.
            reserved = charges
            margin = exposure.margin_after(order.leaves_quantity, terms.margin_per_unit)
        if reserved + margin - exposure.margin > account.free_balance:
            self.deny(order, DenialReason.INSUFFICIENT_MARGIN)
            return
        order.reserved = reserved
        account.margin_used += reserved
        self._set_margin(account, exposure, margin)
        if order.side is Side.SELL:
            exposure.open_sell_quantity += order.leaves_quantity
        self._move(order, OrderStatus.WORKING, None)

    def _release(self, order: Order) -> None:
        """Free what a resting order holds; its margin goes with the units it offered."""
        account, exposure = self.accounts[order.user_id], self.exposure(order)
        account.margin_used -= order.reserved
        order.reserved = ZERO
        if order.side is Side.SELL:
            self._set_margin(account, exposure, exposure.margin_after(-order.leaves_quantity, ZERO))
            exposure.open_sell_quantity -= order.leaves_quantity

    def _hold(self, order: Order, terms: Terms) -> None:
        """Move what the order trades into the exposure, and margin with it."""
        account, exposure = self.accounts[order.user_id], self.exposure(order)
        signed = order.side.sign * order.leaves_quantity
        margin = exposure.margin_after(-signed, terms.margin_per_unit)
        self._set_margin(account, exposure, margin)
        exposure.net_quantity += signed

    def _execute(self, order: Order, price: Decimal, rates: ChargeRates) -> None:
        """Book the execution of everything that is left of the order."""
        account, quantity, before = (
            self.accounts[order.user_id],
            order.leaves_quantity,
            order.filled_quantity,
        )
        charges = rates.on_fill(order.side, price * quantity, opens_order=before == 0)
        cost_change, realised = self._fold(order, quantity, price)
        entries, cash = fill_entries(
            order.user_id, order.id, cost_change=cost_change, realised=realised, charges=charges
        )
        self.entries += entries
        account.cash += cash
        account.realised_pnl += realised
        self.fills.append(Fill(order, quantity, price, f"paper-{order.id}-{before}"))
        traded_before = (order.average_price or ZERO) * before
        order.average_price = (traded_before + price * quantity) / order.quantity
        order.filled_quantity = order.quantity
        self._move(order, OrderStatus.FILLED, None)

    def _fold(self, order: Order, quantity: int, price: Decimal) -> tuple[Decimal, Decimal]:
        """Put a fill into the position; return the change of its cost and what was realised."""
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
            self.flattened.append(self.positions.pop((order.user_id, order.symbol)))
        if quantity > closing:
            cost_change += self._position(order).open(order.side, quantity - closing, price)
        return cost_change, realised

    def _position(self, order: Order) -> Position:
        key = order.user_id, order.symbol
        if key not in self.positions:
            self.positions[key] = Position(*key)
        return self.positions[key]

    def _set_margin(self, account: Account, exposure: Exposure, margin: Decimal) -> None:
        account.margin_used += margin - exposure.margin
        exposure.margin = margin

    def _move(
        self, order: Order, status: OrderStatus, reason: str | None, detail: str | None = None
    ) -> None:
        check_move(order.status, status)
        order.status = status
        self.moves.append(Move(order, status, reason, detail))
