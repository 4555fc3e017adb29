"""Limits that are just reached, and amendments that just close."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.risk import TradingRules, closes, refusal, refusal_to_amend
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, OrderType, Priority, Side, Validity

BUY, SELL = Side.BUY, Side.SELL
SYMBOL = "NIFTY_25AUG26_24050CE"
HALTED = TradingRules.from_rows([("system", "", "halted")], ())
REDUCING = TradingRules.from_rows([("system", "", "reducing")], ())
FLAT = Exposure(1, SYMBOL)


def order(side: Side = BUY, limit: str | None = "100", **changes: object) -> Order:
    made = Order(
        id=1,
        user_id=1,
        symbol=SYMBOL,
        side=side,
        quantity=65,
        filled_quantity=0,
        order_type=OrderType.LIMIT,
        limit_price=None if limit is None else Decimal(limit),
        validity=Validity.DAY,
        priority=Priority.NORMAL,
        status=OrderStatus.RECEIVED,
        valid_until=datetime(2026, 11, 23, 10, tzinfo=UTC),
        client_order_id="a",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the tests differ in what they change


def terms(reference: str | None = "100", *, triggered: bool = True) -> Terms:
    return Terms(
        None,
        ChargeRates(*[Decimal(0)] * 7),
        limit_price=Decimal(102),
        underlying="NIFTY",
        reference=None if reference is None else Decimal(reference),
        triggered=triggered,
    )


def refused(
    rules: TradingRules, of: Order, *, day_pnl: str = "0", open_orders: int = 0
) -> DenialReason | None:
    zero = Decimal(0)
    account = Account(1, zero, zero, zero, day_pnl=Decimal(day_pnl), open_orders=open_orders)
    return refusal(of, account, FLAT, terms(), rules)


def limited(kind: str, value: str) -> TradingRules:
    return TradingRules.from_rows((), [("system", "", kind, value)])


@pytest.mark.parametrize(("most", "is_taken"), [("66", True), ("65", True), ("64", False)])
def test_an_order_may_ask_for_exactly_the_largest_quantity(most: str, *, is_taken: bool) -> None:
    reason = refused(limited("max_order_quantity", most), order())

    assert reason is (None if is_taken else DenialReason.QUANTITY_LIMIT)


@pytest.mark.parametrize(
    ("side", "limit", "worth"),
    [
        (BUY, "100", "6500"),
        # A purchase pays its limit at most, whatever the last price was.
        (BUY, "90", "5850"),
        (BUY, "110", "7150"),
        (BUY, None, "6630"),
        # A sale gets its limit at least, and the last price where that is more.
        (SELL, "110", "7150"),
        (SELL, "90", "6500"),
    ],
)
def test_an_order_may_be_worth_exactly_the_largest_notional(
    side: Side, limit: str | None, worth: str
) -> None:
    asked = order(side, limit)
    less = str(Decimal(worth) - Decimal("0.01"))

    assert refused(limited("max_order_notional", worth), asked) is None
    assert refused(limited("max_order_notional", less), asked) is DenialReason.NOTIONAL_LIMIT


@pytest.mark.parametrize(("standing", "is_taken"), [(2, True), (3, False), (4, False)])
def test_no_order_is_let_in_beside_the_last_open_one(standing: int, *, is_taken: bool) -> None:
    reason = refused(limited("max_open_orders", "3"), order(), open_orders=standing)

    assert reason is (None if is_taken else DenialReason.OPEN_ORDERS_LIMIT)


@pytest.mark.parametrize(
    ("most", "day_pnl", "is_taken"),
    [
        ("5000", "-4999.99", True),
        ("5000", "-5000", False),
        ("5000", "-5000.01", False),
        ("5000", "5000", True),
        # A limit of nothing is reached by the first paisa, not before.
        ("0", "0", True),
        ("0", "-0.01", False),
        ("0", "0.01", True),
    ],
)
def test_a_loss_of_exactly_the_limit_is_enough(most: str, day_pnl: str, *, is_taken: bool) -> None:
    reason = refused(limited("max_daily_loss", most), order(), day_pnl=day_pnl)

    assert reason is (None if is_taken else DenialReason.DAILY_LOSS)


@pytest.mark.parametrize(
    ("side", "limit", "is_taken"),
    [
        (BUY, "110", True),
        (BUY, "110.05", False),
        (BUY, "50", True),
        (SELL, "90", True),
        (SELL, "89.95", False),
        (SELL, "150", True),
    ],
)
def test_a_limit_may_be_exactly_so_far_from_the_last_price(
    side: Side, limit: str, *, is_taken: bool
) -> None:
    reason = refused(limited("fat_finger_percent", "10"), order(side, limit))

    assert reason is (None if is_taken else DenialReason.FAT_FINGER)


@pytest.mark.parametrize(
    ("side", "limit", "is_taken"),
    [(BUY, "220", True), (BUY, "220.05", False), (SELL, "180", True), (SELL, "179.95", False)],
)
def test_a_stop_that_waits_is_held_against_its_trigger(
    side: Side, limit: str, *, is_taken: bool
) -> None:
    stop = order(side, limit, order_type=OrderType.STOP_LIMIT, trigger_price=Decimal(200))
    zero, rules = Decimal(0), limited("fat_finger_percent", "10")

    reason = refusal(stop, Account(1, zero, zero, zero), FLAT, terms(triggered=False), rules)

    assert reason is (None if is_taken else DenialReason.FAT_FINGER)


@pytest.mark.parametrize(
    ("side", "net", "bid", "offered", "own", "is_closing"),
    [
        (SELL, 65, 0, 0, 0, True),
        (SELL, 64, 0, 0, 0, False),
        (SELL, 130, 0, 65, 0, True),
        (SELL, 129, 0, 65, 0, False),
        (SELL, 65, 0, 65, 65, True),
        (SELL, 65, 0, 66, 65, False),
        # What is bid for does not matter to a sale.
        (SELL, 65, 500, 0, 0, True),
        (BUY, -65, 0, 0, 0, True),
        (BUY, -64, 0, 0, 0, False),
        (BUY, -130, 65, 0, 0, True),
        (BUY, -129, 65, 0, 0, False),
        (BUY, -65, 65, 0, 65, True),
        (BUY, -65, 66, 0, 65, False),
        (BUY, -65, 0, 500, 0, True),
        (BUY, 0, 0, 0, 0, False),
        (SELL, -65, 0, 0, 0, False),
    ],
)
def test_an_order_closes_what_is_held_and_not_offered_yet(
    side: Side, net: int, bid: int, offered: int, own: int, *, is_closing: bool
) -> None:
    exposure = replace(FLAT, net_quantity=net, open_buy_quantity=bid, open_sell_quantity=offered)

    assert closes(side, 65, exposure, own=own) is is_closing


def refused_to_amend(
    rules: TradingRules, of: Order, to: int, *, net: int, offered: int
) -> DenialReason | None:
    exposure = replace(FLAT, net_quantity=net, open_sell_quantity=offered)
    zero = Decimal(0)
    amendment = Amendment(to, of.limit_price, None)
    return refusal_to_amend(of, amendment, Account(1, zero, zero, zero), exposure, terms(), rules)


@pytest.mark.parametrize(("net", "is_taken"), [(130, True), (129, False)])
def test_what_a_resting_order_offers_counts_as_its_own(net: int, *, is_taken: bool) -> None:
    resting = order(SELL, status=OrderStatus.WORKING)

    reason = refused_to_amend(REDUCING, resting, 130, net=net, offered=65)

    assert reason is (None if is_taken else DenialReason.REDUCING_ONLY)


@pytest.mark.parametrize(("net", "is_taken"), [(130, True), (129, False), (65, False)])
def test_what_others_offer_is_not_the_own_of_an_order_that_waits(
    net: int, *, is_taken: bool
) -> None:
    reason = refused_to_amend(REDUCING, order(SELL), 65, net=net, offered=65)

    assert reason is (None if is_taken else DenialReason.REDUCING_ONLY)


def test_only_what_has_not_traded_has_to_close() -> None:
    part = order(SELL, quantity=130, filled_quantity=65, status=OrderStatus.PARTIALLY_FILLED)

    assert refused_to_amend(REDUCING, part, 130, net=65, offered=65) is None
    assert refused_to_amend(REDUCING, part, 195, net=65, offered=65) is DenialReason.REDUCING_ONLY


@pytest.mark.parametrize(
    ("priority", "net", "reason"),
    [
        (Priority.EMERGENCY, 65, None),
        (Priority.EMERGENCY, 64, DenialReason.TRADING_HALTED),
        (Priority.HIGH, 65, DenialReason.TRADING_HALTED),
    ],
)
def test_under_a_halt_only_an_emergency_that_closes_may_be_amended(
    priority: Priority, net: int, reason: DenialReason | None
) -> None:
    resting = order(SELL, priority=priority, status=OrderStatus.WORKING)

    assert refused_to_amend(HALTED, resting, 65, net=net, offered=65) is reason


def test_an_order_of_which_no_price_is_known_is_worth_nothing() -> None:
    unknown = replace(terms(None), limit_price=None)
    zero, rules = Decimal(0), limited("max_order_notional", "0.01")

    for side in Side:
        asked = order(side, None)
        assert refusal(asked, Account(1, zero, zero, zero), FLAT, unknown, rules) is None


@pytest.mark.parametrize("name", ["", "1"])
def test_a_window_for_everyone_or_for_one_account_holds_its_orders(name: str) -> None:
    rules = TradingRules.from_rows((), [("user", name, "duplicate_window_seconds", "2")])
    orders = [
        order(),
        order(Side.SELL, id=2, priority=Priority.EMERGENCY),
        order(id=3, client_order_id="square-off 1"),
        order(id=4, user_id=2),
    ]
    held = replace(FLAT, net_quantity=65)

    windows = rules.duplicate_windows(orders, {(held.user_id, held.symbol): held})

    assert windows == dict.fromkeys([1] if name else [1, 4], Decimal(2))
    assert not rules.is_empty
