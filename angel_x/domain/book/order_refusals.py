"""Refusals of orders and amendments: by their contract, their trigger, and the rules of risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.position import Position
from angel_x.domain.book.risk import TradingRules, closes, refusal, refusal_to_amend
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, Product


@dataclass(frozen=True, slots=True)
class OrderRefusals:
    """Returns the reason of a refusal, None where an order or an amendment may be made."""

    accounts: Mapping[int, Account]
    exposures: Mapping[tuple[int, str], Exposure]
    positions: Mapping[tuple[int, str, Product], Position]

    def of(self, order: Order, terms: Terms, rules: TradingRules) -> DenialReason | None:
        denial = terms.denial or self.of_trigger(order, terms, rules)
        if denial is not None:
            return denial
        if order.is_exit:
            # Exits pass every trading state, but must still reduce the position.
            return None if self._reduces(order) else DenialReason.REDUCING_ONLY
        key = order.user_id, order.symbol
        account, exposure = self.accounts[order.user_id], self.exposures.get(key) or Exposure(*key)
        if terms.is_closing_only and not closes(order.side, order.leaves_quantity, exposure):
            return DenialReason.REDUCING_ONLY
        return refusal(order, account, exposure, terms, rules)

    def of_trigger(self, order: Order, terms: Terms, rules: TradingRules) -> DenialReason | None:
        """Refuse a stop whose trigger has passed, as the exchange does, unless its account allows it."""
        is_allowed = rules.limits(order.user_id).trigger_at_once
        return DenialReason.TRIGGER_PASSED if terms.trigger_passed and not is_allowed else None

    def of_amendment(
        self,
        order: Order,
        amendment: Amendment,
        exposure: Exposure,
        terms: Terms,
        rules: TradingRules,
    ) -> DenialReason | None:
        """Refuse an amendment; ``terms`` are those of the order as amended."""
        denial = terms.denial
        if denial is None and amendment.trigger_price != order.trigger_price:
            denial = self.of_trigger(order, terms, rules)
        if denial is not None:
            return denial
        leaves = amendment.quantity - order.filled_quantity
        if terms.is_closing_only and leaves > order.leaves_quantity:
            return DenialReason.REDUCING_ONLY
        account = self.accounts[order.user_id]
        return refusal_to_amend(order, amendment, account, exposure, terms, rules)

    def may_trade(self, order: Order, terms: Terms) -> bool:
        """Return whether the contract of a resting order lets it trade: one that ends lets none open."""
        exposure = self.exposures.get((order.user_id, order.symbol))
        if not terms.is_closing_only or exposure is None:
            return not terms.is_closing_only
        return closes(order.side, order.leaves_quantity, exposure, own=order.leaves_quantity)

    def _reduces(self, order: Order) -> bool:
        """Return whether the position of the order's product covers all of its units."""
        position = self.positions.get((order.user_id, order.symbol, order.product))
        if position is None:
            return False
        return order.leaves_quantity <= -order.side.sign * position.quantity
