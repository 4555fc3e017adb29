"""Trading states and limits, and the refusals by them.

An order *closes* if the account's position in the contract covers all of its units: a sale by long
units without a resting sale, a purchase by short units without a resting purchase.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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
    """The terms of an order that the rules need."""

    @property
    def underlying(self) -> str: ...
    @property
    def limit_price(self) -> Decimal | None: ...
    @property
    def reference(self) -> Decimal | None: ...
    @property
    def triggered(self) -> bool: ...


class AmendedFields(Protocol):
    """The fields of an amendment that the rules need."""

    @property
    def quantity(self) -> int: ...
    @property
    def limit_price(self) -> Decimal | None: ...


class Controlled(Protocol):
    """The fields of an open order that trading states need."""

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
    """Trading states, from all orders allowed to none."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class TradingRules:
    """The trading states and limits for the decision of one batch."""

    #: States by (scope, name), except active ones.
    states: Mapping[tuple[str, str], TradingState] = field(default_factory=dict)
    #: The global limits, of accounts without limits of their own.
    everyone: Limits = NO_LIMITS
    #: Limits of accounts with limits of their own, combined with the global ones.
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
        """Return the strictest state in force for an account and an underlying."""
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
        """Return the limits in force for an account."""
        return self.accounts.get(user_id, self.everyone)

    def duplicate_windows(
        self, orders: Iterable[Order], exposures: Mapping[tuple[int, str], Exposure]
    ) -> dict[int, Decimal]:
        """Return the duplicate window in seconds of each order, by order id.

        Exits, and emergency orders that close, have none: they are repeated until the position is
        flat.
        """
        if self.everyone is NO_LIMITS and not self.accounts:
            return {}
        windows = {}
        closing: Counter[tuple[int, str, Side]] = Counter()
        for order in orders:
            seconds = self.limits(order.user_id).duplicate_window_seconds
            if seconds is None or order.is_exit or _repeats(order, exposures, closing):
                continue
            windows[order.id] = seconds
        return windows


NO_RULES = TradingRules()


def refusal(
    order: Order, account: Account, exposure: Exposure, terms: Offer, rules: TradingRules
) -> DenialReason | None:
    """Return the reason for which the rules refuse an order, None where they allow it.

    A closing order of priority emergency passes all rules, so that a position can always be closed.
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
    amendment: AmendedFields,
    account: Account,
    exposure: Exposure,
    terms: Offer,
    rules: TradingRules,
) -> DenialReason | None:
    """Return the reason for which the rules refuse an amendment, None where they allow it.

    ``terms`` are those of the amended order.  Its own resting units do not count against it.
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
    """Return the reason for which a trading state refuses an order, None where it allows it.

    This is the only rule of trading states, for new, resting and amended orders and for answers of
    a venue.  Exits pass every state.  A closing order passes *reducing*; it passes *halted* only with
    priority emergency.
    """
    if state is TradingState.ACTIVE or order.is_exit:
        return None
    if closing and (state is TradingState.REDUCING or order.priority is Priority.EMERGENCY):
        return None
    if state is TradingState.HALTED:
        return DenialReason.TRADING_HALTED
    return DenialReason.REDUCING_ONLY


def may_stand(order: Controlled, exposure: Exposure, state: TradingState) -> bool:
    """Return whether a trading state allows an open order to stay open and to trade.

    In state *reducing* a received order stays until its decision, which denies it with the reason; an
    order whose cancellation is requested from its venue stays until the answer.
    """
    if state is TradingState.ACTIVE or order.status is OrderStatus.PENDING_CANCEL:
        return True
    if state is TradingState.REDUCING and order.status is OrderStatus.RECEIVED:
        return True
    leaves = order.leaves_quantity
    own = leaves if order.status in PLACED else 0
    closing = closes(order.side, leaves, exposure, own=own)
    return control_refusal(order, state, closing=closing) is None


def closes(side: Side, units: int, exposure: Exposure, *, own: int = 0) -> bool:
    """Return whether the position covers these units in addition to the resting ones of their side.

    ``own`` of the resting units are these units themselves.
    """
    if side is Side.SELL:
        return units <= exposure.net_quantity - (exposure.open_sell_quantity - own)
    return units <= -exposure.net_quantity - (exposure.open_buy_quantity - own)


def _repeats(
    order: Order,
    exposures: Mapping[tuple[int, str], Exposure],
    closing: Counter[tuple[int, str, Side]],
) -> bool:
    """Return whether an emergency order closes, in addition to those counted in ``closing``."""
    exposure = exposures.get((order.user_id, order.symbol))
    if order.priority is not Priority.EMERGENCY or exposure is None:
        return False
    key = order.user_id, order.symbol, order.side
    if not closes(order.side, closing[key] + order.leaves_quantity, exposure):
        return False
    closing[key] += order.leaves_quantity
    return True


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
    # A limit of zero is reached by the first rupee of loss, not by a result of zero.
    if account.day_result < 0 and _reaches(-account.day_result, limits.max_daily_loss):
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
    """Return the highest expected trade price of a unit, zero where unknown.

    A purchase pays its limit at most.  A sale gets its limit at least, so a low limit is no bound.
    """
    known = [p for p in (limit_price, terms.reference) if p is not None]
    if order.side is Side.BUY:
        return known[0] if known else Decimal(0)
    return max(known, default=Decimal(0))


def _is_fat_finger(
    order: Order, limit_price: Decimal | None, terms: Offer, percent: Decimal
) -> bool:
    """Return whether the limit of an order is worse than the last price by more than ``percent``.

    Until a stop order is triggered, its limit is compared with its trigger.
    """
    anchor = terms.reference if terms.triggered else order.trigger_price
    if order.limit_price is None or limit_price is None or anchor is None:
        return False
    return (limit_price - anchor) * order.side.sign * _HUNDRED > anchor * percent


def _reaches(value: Decimal | int, most: Decimal | int | None) -> bool:
    return most is not None and value >= most
