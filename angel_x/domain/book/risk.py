"""Trading states and limits, and the refusal that follows from them.

An order *closes* where all of its units are covered by the account's position in the contract: a
sale by what is long and not offered yet, a purchase by what is short and not bid for yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from angel_x.domain.book.limits import NO_LIMITS, Limits
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import PLACED, Order, OrderStatus, Priority, Side

if TYPE_CHECKING:
    from angel_x.domain.book.account import Account, Exposure

_HUNDRED = Decimal(100)


class Offer(Protocol):
    """What the market says of an order, as far as it matters here."""

    @property
    def underlying(self) -> str: ...
    @property
    def limit_price(self) -> Decimal | None: ...
    @property
    def reference(self) -> Decimal | None: ...
    @property
    def triggered(self) -> bool: ...


class Change(Protocol):
    """What an order is to say from now on, as far as it matters here."""

    @property
    def quantity(self) -> int: ...
    @property
    def limit_price(self) -> Decimal | None: ...


class Controlled(Protocol):
    """An open order, as far as a trading state asks about it."""

    @property
    def side(self) -> Side: ...
    @property
    def leaves_quantity(self) -> int: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def status(self) -> OrderStatus: ...
    @property
    def is_exit(self) -> bool: ...


class TradingState(StrEnum):
    """What may be traded, from everything to nothing."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class TradingRules:
    """The controls and limits that one batch is decided under."""

    #: State by (scope, name), where it is not active.
    states: Mapping[tuple[str, str], TradingState] = field(default_factory=dict)
    #: Limits of every account that has none of its own.
    everyone: Limits = NO_LIMITS
    #: Limits of the accounts that have some of their own, with those for everyone worked in.
    accounts: Mapping[int, Limits] = field(default_factory=dict)

    @classmethod
    def from_rows(
        cls, controls: Iterable[Sequence[str]], limits: Iterable[Sequence[str]]
    ) -> TradingRules:
        """Return the rules of rows ``(scope, name, state)`` and ``(scope, name, kind, value)``."""
        if not controls and not limits:
            return NO_RULES
        states = {(scope, name): TradingState(state) for scope, name, state in controls}
        values: dict[str, dict[str, str]] = defaultdict(dict)
        for _, name, kind, value in limits:
            values[name][kind] = value
        everyone = Limits.of(values.pop("", {}))
        accounts = {int(name): everyone.stricter(Limits.of(own)) for name, own in values.items()}
        standing = {key: s for key, s in states.items() if s is not TradingState.ACTIVE}
        return cls(standing, everyone, accounts)

    @property
    def is_empty(self) -> bool:
        return not self.states and not self.accounts and self.everyone is NO_LIMITS

    def state(self, user_id: int, underlying: str) -> TradingState:
        """Return the strictest state that holds for an account and an underlying."""
        strictest = TradingState.ACTIVE
        if self.states:
            for key in (("system", ""), ("user", str(user_id)), ("underlying", underlying)):
                state = self.states.get(key)
                if state is TradingState.HALTED:
                    return state
                if state is TradingState.REDUCING:
                    strictest = state
        return strictest

    def limits(self, user_id: int) -> Limits:
        """Return the limits that hold for an account."""
        return self.accounts.get(user_id, self.everyone)

    def duplicate_windows(self, orders: Iterable[Order]) -> dict[int, Decimal]:
        """Return the seconds, by order id, in which an order must not repeat an earlier one.

        Emergency orders and the system's own exits may: they are sent until the position is flat.
        """
        if self.everyone is NO_LIMITS and not self.accounts:
            return {}
        windows = {}
        for order in orders:
            seconds = self.limits(order.user_id).duplicate_window_seconds
            may_repeat = order.priority is Priority.EMERGENCY or order.is_exit
            if seconds is not None and not may_repeat:
                windows[order.id] = seconds
        return windows


NO_RULES = TradingRules()


def refusal(
    order: Order, account: Account, exposure: Exposure, terms: Offer, rules: TradingRules
) -> DenialReason | None:
    """Return why the rules do not let this order trade, None where they do.

    An order of priority emergency that closes passes all of them: whatever was halted or lost, the
    way out of a position stays open.
    """
    if rules.is_empty:
        return None
    closing = closes(order.side, order.leaves_quantity, exposure)
    if closing and order.priority is Priority.EMERGENCY:
        return None
    limits = rules.limits(order.user_id)
    reason = _refusal_by_state(order, account, limits, terms, rules, closing=closing)
    if reason is None and limits is not NO_LIMITS:
        if _reaches(account.open_orders, limits.max_open_orders):
            return DenialReason.OPEN_ORDERS_LIMIT
        limit = terms.limit_price if order.limit_price is None else order.limit_price
        return _refusal_by_size(order, order.asked_quantity, limit, limits, terms)
    return reason


def refusal_to_amend(
    order: Order,
    amendment: Change,
    account: Account,
    exposure: Exposure,
    terms: Offer,
    rules: TradingRules,
) -> DenialReason | None:
    """Return why the rules do not let an open order become what the amendment says.

    ``terms`` are those of the order as amended.  What it offers already counts as its own.
    """
    if rules.is_empty:
        return None
    own = order.leaves_quantity if order.status in PLACED else 0
    leaves = amendment.quantity - order.filled_quantity
    closing = closes(order.side, leaves, exposure, own=own)
    if closing and order.priority is Priority.EMERGENCY:
        return None
    limits = rules.limits(order.user_id)
    reason = _refusal_by_state(order, account, limits, terms, rules, closing=closing)
    if reason is not None:
        return reason
    quantity = order.parent_quantity or amendment.quantity
    return _refusal_by_size(order, quantity, amendment.limit_price, limits, terms)


def control_refusal(
    order: Controlled, state: TradingState, *, closing: bool
) -> DenialReason | None:
    """Return why a trading state does not let an order trade or stand, None where it does.

    The one rule of that, asked of orders that come in, rest, are amended or come back from a venue.
    The system's own exits pass every state.  An order that closes passes while an account may only
    reduce; halted, it passes only with priority emergency.
    """
    if state is TradingState.ACTIVE or order.is_exit:
        return None
    if closing and (state is TradingState.REDUCING or order.priority is Priority.EMERGENCY):
        return None
    if state is TradingState.HALTED:
        return DenialReason.TRADING_HALTED
    return DenialReason.REDUCING_ONLY


def may_stand(order: Controlled, exposure: Exposure, state: TradingState) -> bool:
    """Say whether a trading state lets an open order stand, and trade where it rests.

    An order that waits while its account may only reduce stands until its decision, which says why
    it is denied; one that its venue was asked to cancel, until the answer.
    """
    if order.status is OrderStatus.PENDING_CANCEL:
        return True
    if state is TradingState.REDUCING and order.status is OrderStatus.RECEIVED:
        return True
    leaves = order.leaves_quantity
    own = leaves if order.status in PLACED else 0
    closing = closes(order.side, leaves, exposure, own=own)
    return control_refusal(order, state, closing=closing) is None


def closes(side: Side, units: int, exposure: Exposure, *, own: int = 0) -> bool:
    """Say whether the position covers all of these units beside what rests on their side.

    ``own`` of what rests are those units themselves.
    """
    if side is Side.SELL:
        return units <= exposure.net_quantity - (exposure.open_sell_quantity - own)
    return units <= -exposure.net_quantity - (exposure.open_buy_quantity - own)


def _refusal_by_state(
    order: Order,
    account: Account,
    limits: Limits,
    terms: Offer,
    rules: TradingRules,
    *,
    closing: bool,
) -> DenialReason | None:
    state = rules.state(order.user_id, terms.underlying)
    reason = control_refusal(order, state, closing=closing)
    if reason is not None or closing:
        return reason
    # A limit of nothing is reached by the first rupee, not before.
    if account.day_pnl < 0 and _reaches(-account.day_pnl, limits.max_daily_loss):
        return DenialReason.DAILY_LOSS
    return None


def _refusal_by_size(
    order: Order, quantity: int, limit_price: Decimal | None, limits: Limits, terms: Offer
) -> DenialReason | None:
    most = limits.max_order_quantity
    if most is not None and quantity > most:
        return DenialReason.QUANTITY_LIMIT
    most_rupees = limits.max_order_notional
    if most_rupees is not None and _price(order, limit_price, terms) * quantity > most_rupees:
        return DenialReason.NOTIONAL_LIMIT
    percent = limits.fat_finger_percent
    if percent is not None and _is_fat_finger(order, limit_price, terms, percent):
        return DenialReason.FAT_FINGER
    return None


def _price(order: Order, limit_price: Decimal | None, terms: Offer) -> Decimal:
    """Return the most that a unit is expected to trade at, zero where nobody knows.

    A purchase pays its limit at most.  A sale gets its limit at least, so a low one says nothing.
    """
    known = [p for p in (limit_price, terms.reference) if p is not None]
    if order.side is Side.BUY:
        return known[0] if known else Decimal(0)
    return max(known, default=Decimal(0))


def _is_fat_finger(
    order: Order, limit_price: Decimal | None, terms: Offer, percent: Decimal
) -> bool:
    """Say whether an order's own limit is further from the last price than ``percent``.

    A stop order waits for its trigger, so until then its limit is held against that.
    """
    anchor = terms.reference if terms.triggered else order.trigger_price
    if order.limit_price is None or limit_price is None or anchor is None:
        return False
    return (limit_price - anchor) * order.side.sign * _HUNDRED > anchor * percent


def _reaches(value: Decimal | int, most: Decimal | int | None) -> bool:
    return most is not None and value >= most
