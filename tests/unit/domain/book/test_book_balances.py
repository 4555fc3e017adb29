"""Whatever happens to the orders of an account with little money, its books balance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from numpy.random import Generator

from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OPEN, PLACED, Order, OrderStatus, Product, Side, Validity
from angel_x.domain.values.money import PAISA, ZERO, rupees
from tests.builders.books import RATES, USER, book, order, repriced, totals

PLACING = ("market", "limit", "ioc", "stop", "send")
ACTIONS = (*PLACING, "all in", *["match"] * 3, "amend", "cancel")
RUNS, STEPS = 120, 40

#: How often each has to happen at least, over all runs.
OFTEN = {
    "denied for want of money": 600,
    "rests": 200,
    "trades in part": 400,
    "trades in full": 400,
    "amended": 60,
    "amendment refused for want of money": 25,
    "canceled": 90,
    "closes": 300,
    "turns from long to short or back": 50,
    "holds positions of both products": 1000,
    "less than a percent is free": 130,
}


@dataclass(frozen=True)
class Step:
    """Something that happens to the account, and the market that it happens in."""

    action: str
    side: Side
    quantity: int
    price: Decimal
    #: Units that the market has.
    units: int
    per_unit: Decimal
    product: Product

    @classmethod
    def drawn(cls, chance: Generator) -> Step:
        return cls(
            ACTIONS[chance.integers(len(ACTIONS))],
            list(Side)[chance.integers(2)],
            5 * int(chance.integers(1, 6)),
            rupees(int(chance.integers(5, 20_000))),
            int(chance.integers(26)),
            rupees(int(chance.integers(100, 10_000))),
            list(Product)[chance.integers(2)],
        )


@dataclass
class Walk:
    """One account, the orders that it has open, and what has happened to it."""

    it: Book
    seen: Counter[str]
    placed: list[Order] = field(default_factory=list)

    def take(self, step: Step) -> None:
        self.it = repriced(self.it, step.per_unit)
        if step.action == "all in":
            free = self.it.accounts[USER].free_balance
            # Room for brokerage, and for charges in proportion.
            price = ((free - 25) * Decimal("0.998") / step.quantity).quantize(PAISA)
            self._place(replace(step, side=Side.BUY, price=max(PAISA, price)))
        elif step.action in PLACING:
            self._place(step)
        elif self.placed:
            self._go_on(self.placed.pop(0), step)

    def _place(self, step: Step) -> None:
        validity = Validity.IOC if step.action == "ioc" else Validity.DAY
        limit = None if step.action == "market" else str(step.price)
        one = replace(order(step.side, step.quantity, limit, validity), product=step.product)
        offered = _offer(one, step.price, step.units, triggered=step.action != "stop")
        (self.it.submit if step.action == "send" else self.it.decide)(one, offered)
        if one.status is OrderStatus.DENIED:
            assert self.it.moves[-1].reason is DenialReason.INSUFFICIENT_MARGIN
            self.seen["denied for want of money"] += 1
        self._keep(one)

    def _go_on(self, one: Order, step: Step) -> None:
        assert one.limit_price is not None
        offered = _offer(one, one.limit_price, step.units)
        if one.status is OrderStatus.SUBMITTING:
            self.it.settle(one, offered)
        elif step.action == "amend":
            after = Amendment(one.filled_quantity + step.quantity, step.price, None)
            refused = self.it.amend(one, after, replace(offered, limit_price=step.price))
            assert refused in (None, DenialReason.INSUFFICIENT_MARGIN)
            self.seen["amendment refused for want of money" if refused else "amended"] += 1
        elif step.action == "cancel":
            self.it.take_off(one, OrderStatus.CANCELED, CancelReason.REQUESTED)
            self.seen["canceled"] += 1
        else:
            self.it.match(one, offered)
        self._keep(one)

    def _keep(self, one: Order) -> None:
        if one.status in OPEN:
            assert one.status in PLACED
            self.placed.append(one)
            part = one.status is OrderStatus.PARTIALLY_FILLED
            self.seen["trades in part" if part else "rests"] += 1
        elif one.status is OrderStatus.FILLED:
            self.seen["trades in full"] += 1

    def note(self) -> None:
        """Count what the account has come to."""
        account = self.it.accounts[USER]
        self.seen["holds positions of both products"] += len(self.it.positions) == len(Product)
        self.seen["less than a percent is free"] += account.free_balance * 100 < account.cash

    def note_end(self) -> None:
        self.seen["closes"] += len(self.it.trades)
        opened = {(p.user_id, p.symbol, p.product) for p in self.it.flattened}
        self.seen["turns from long to short or back"] += len(opened & self.it.positions.keys())


def _offer(one: Order, price: Decimal, units: int, *, triggered: bool = True) -> Terms:
    return Terms(price, RATES, None, min(units, one.leaves_quantity), price, triggered=triggered)


def _check(it: Book, start: Decimal, placed: list[Order]) -> None:
    account, exposures = it.accounts[USER], it.exposures.values()
    held = list(it.positions.values())
    assert account.cash == start + totals(it, LedgerAccount.CASH)
    assert sum((e.amount for e in it.entries), ZERO) == 0
    assert account.realised_pnl == -totals(it, LedgerAccount.PNL)
    assert account.day_pnl == account.realised_pnl - totals(it, LedgerAccount.CHARGES)
    assert sum((p.cost for p in held), ZERO) == totals(it, LedgerAccount.POSITION)
    margins = it.margins.held()
    assert account.margin_used == sum(margins.values(), ZERO) + sum(
        (o.reserved for o in placed), ZERO
    )
    assert account.margin_used <= max(account.cash + account.collateral, ZERO)
    assert all(margin >= 0 for margin in margins.values())
    assert account.open_orders == len(placed)
    for wanted in Side:
        leaves = sum(o.leaves_quantity for o in placed if o.side is wanted)
        name = "open_buy_quantity" if wanted is Side.BUY else "open_sell_quantity"
        assert sum(getattr(e, name) for e in exposures) == leaves
    for product in Product:
        net = sum(f.order.side.sign * f.quantity for f in it.fills if f.order.product is product)
        assert net == sum(p.quantity for p in held if p.product is product)
    assert sum(p.quantity for p in held) == sum(e.net_quantity for e in exposures)


def test_whatever_happens_the_books_balance() -> None:
    seen: Counter[str] = Counter()
    for seed in range(RUNS):
        chance = np.random.default_rng(seed)
        cash = rupees(int(chance.integers(20_000, 600_000)))
        walk = Walk(book(str(cash)), seen)
        for _ in range(STEPS):
            walk.take(Step.drawn(chance))
            walk.it.cap_margins()
            walk.note()
            _check(walk.it, cash, walk.placed)
        walk.note_end()

    assert {what: seen[what] for what, least in OFTEN.items() if seen[what] < least} == {}
