"""A market whose offers are written down beforehand, and that remembers what it was asked."""

from __future__ import annotations

from collections.abc import Sequence

from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.order import Order
from angel_x.services.trading.paper_market import PaperMarket
from tests.builders.terms import fill


class ScriptedMarket(PaperMarket):
    """Fills every order whole, save those that it was given other terms or an error for."""

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        #: What was asked, for which orders.
        self.asked: list[tuple[str, list[int]]] = []
        self.offers: dict[int, Terms] = {}
        #: Raised where the terms of these orders are asked for.
        self.errors: dict[int, BaseException] = {}
        #: Raised where a preview of these orders is asked for.
        self.preview_errors: dict[int, BaseException] = {}

    def terms(self, orders: Sequence[Order], *, are_amended: bool = False) -> list[Terms]:
        del are_amended
        return self._answer("terms", orders, self.errors)

    def preview(self, orders: Sequence[Order]) -> list[Terms]:
        return self._answer("preview", orders, self.preview_errors)

    @property
    def has_latency(self) -> bool:
        return bool(self.latency)

    def latency_seconds(self, orders: Sequence[Order]) -> float:
        self.asked.append(("latency", [order.id for order in orders]))
        return self.latency

    def _answer(
        self, question: str, orders: Sequence[Order], errors: dict[int, BaseException]
    ) -> list[Terms]:
        self.asked.append((question, [order.id for order in orders]))
        for order in orders:
            if order.id in errors:
                raise errors[order.id]
        return [self.offers.get(order.id, fill(units=order.leaves_quantity)) for order in orders]
