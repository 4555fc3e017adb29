"""What the rules refuse, case by case and against a plain twin."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.limits import LimitKind, Limits
from angel_x.domain.book.risk import (
    NO_RULES,
    TradingRules,
    TradingState,
    refusal,
    refusal_to_amend,
)
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, OrderType, Priority, Side, Validity

USER, UNDERLYING, SYMBOL = 1, "NIFTY", "NIFTY_25AUG26_24050CE"
ORDER = Order(
    id=1,
    user_id=USER,
    symbol=SYMBOL,
    side=Side.BUY,
    quantity=65,
    filled_quantity=0,
    order_type=OrderType.LIMIT,
    limit_price=Decimal(100),
    validity=Validity.DAY,
    priority=Priority.NORMAL,
    status=OrderStatus.RECEIVED,
    valid_until=datetime(2026, 11, 23, 10, tzinfo=UTC),
    client_order_id="a",
)
TERMS = Terms(
    None,
    ChargeRates(*[Decimal(0)] * 7),
    limit_price=Decimal(100),
    underlying=UNDERLYING,
    reference=Decimal(100),
)
FLAT = Exposure(USER, SYMBOL)
HALTED = TradingRules.from_rows([("system", "", "halted")], ())
REDUCING = TradingRules.from_rows([("user", "1", "reducing")], ())


def account(day_pnl: str = "0", open_orders: int = 0) -> Account:
    return Account(
        USER,
        Decimal(0),
        Decimal(0),
        Decimal(0),
        day_pnl=Decimal(day_pnl),
        open_orders=open_orders,
    )


def limited(**values: int | str) -> TradingRules:
    rows = [("user", str(USER), kind, str(value)) for kind, value in values.items()]
    return TradingRules.from_rows((), rows)


def refused(
    rules: TradingRules,
    order: Order = ORDER,
    exposure: Exposure = FLAT,
    terms: Terms = TERMS,
    of: Account | None = None,
) -> DenialReason | None:
    return refusal(order, of or account(), exposure, terms, rules)


def test_without_rules_nothing_is_refused() -> None:
    assert TradingRules.from_rows((), ()) is NO_RULES
    assert refused(NO_RULES) is None


def test_the_strictest_state_of_system_account_and_underlying_holds() -> None:
    rules = TradingRules.from_rows(
        [("user", "1", "reducing"), ("underlying", UNDERLYING, "halted"), ("user", "2", "active")],
        (),
    )

    assert rules.state(1, UNDERLYING) is TradingState.HALTED
    assert rules.state(1, "BANKNIFTY") is TradingState.REDUCING
    assert rules.state(2, "BANKNIFTY") is TradingState.ACTIVE
    assert HALTED.state(2, "BANKNIFTY") is TradingState.HALTED


def test_a_halt_refuses_even_what_closes() -> None:
    long = replace(FLAT, net_quantity=65)
    sale = replace(ORDER, side=Side.SELL)

    assert refused(HALTED, sale, long) is DenialReason.TRADING_HALTED


@pytest.mark.parametrize(
    ("side", "exposure", "reason"),
    [
        (Side.SELL, replace(FLAT, net_quantity=65), None),
        (Side.SELL, replace(FLAT, net_quantity=64), DenialReason.TRADING_HALTED),
        (
            Side.SELL,
            replace(FLAT, net_quantity=65, open_sell_quantity=1),
            DenialReason.TRADING_HALTED,
        ),
        (Side.BUY, replace(FLAT, net_quantity=-65), None),
        (
            Side.BUY,
            replace(FLAT, net_quantity=-65, open_buy_quantity=1),
            DenialReason.TRADING_HALTED,
        ),
        (Side.BUY, FLAT, DenialReason.TRADING_HALTED),
        (Side.SELL, replace(FLAT, net_quantity=-65), DenialReason.TRADING_HALTED),
    ],
)
def test_an_emergency_order_passes_a_halt_only_where_all_of_it_closes(
    side: Side, exposure: Exposure, reason: DenialReason | None
) -> None:
    order = replace(ORDER, side=side, priority=Priority.EMERGENCY)

    assert refused(HALTED, order, exposure) is reason


def test_an_account_that_may_only_reduce_still_closes() -> None:
    short = replace(FLAT, net_quantity=-65)

    assert refused(REDUCING, ORDER, short) is None
    assert refused(REDUCING, replace(ORDER, quantity=130), short) is DenialReason.REDUCING_ONLY
    assert refused(REDUCING) is DenialReason.REDUCING_ONLY


def test_only_what_has_not_traded_must_be_covered() -> None:
    order = replace(ORDER, quantity=130, filled_quantity=65)

    assert refused(REDUCING, order, replace(FLAT, net_quantity=-65)) is None


@pytest.mark.parametrize(
    ("day_pnl", "reason"),
    [("-999.99", None), ("-1000", DenialReason.DAILY_LOSS), ("-2000", DenialReason.DAILY_LOSS)],
)
def test_a_day_with_the_whole_loss_lets_an_account_only_reduce(
    day_pnl: str, reason: DenialReason | None
) -> None:
    rules, loser = limited(max_daily_loss=1000), account(day_pnl)

    assert refused(rules, of=loser) is reason
    assert refused(rules, ORDER, replace(FLAT, net_quantity=-65), of=loser) is None


def test_a_loss_limit_of_nothing_is_reached_by_the_first_rupee() -> None:
    assert refused(limited(max_daily_loss=0)) is None
    assert refused(limited(max_daily_loss=0), of=account("-0.01")) is DenialReason.DAILY_LOSS


@pytest.mark.parametrize(("most", "reason"), [(65, None), (64, DenialReason.QUANTITY_LIMIT)])
def test_an_order_is_for_at_most_the_quantity_that_is_set(
    most: int, reason: DenialReason | None
) -> None:
    assert refused(limited(max_order_quantity=most)) is reason


@pytest.mark.parametrize(
    ("side", "limit", "reference", "worth"),
    [
        (Side.BUY, "100", "90", "6500"),
        # It sells at the market however low its limit is.
        (Side.SELL, "0.05", "90", "5850"),
        (Side.SELL, "120", "90", "7800"),
    ],
)
def test_an_order_is_worth_at_most_the_rupees_that_are_set(
    side: Side, limit: str, reference: str, worth: str
) -> None:
    order = replace(ORDER, side=side, limit_price=Decimal(limit))
    terms = replace(TERMS, reference=Decimal(reference), limit_price=Decimal(limit))
    less = Decimal(worth) - 1

    assert refused(limited(max_order_notional=worth), order, terms=terms) is None
    assert (
        refused(limited(max_order_notional=str(less)), order, terms=terms)
        is DenialReason.NOTIONAL_LIMIT
    )


def test_an_order_at_market_is_worth_what_its_protection_allows() -> None:
    order = replace(ORDER, order_type=OrderType.MARKET, limit_price=None)

    assert refused(limited(max_order_notional=6499), order) is DenialReason.NOTIONAL_LIMIT


@pytest.mark.parametrize(("standing", "reason"), [(2, None), (3, DenialReason.OPEN_ORDERS_LIMIT)])
def test_an_account_has_at_most_the_open_orders_that_are_set(
    standing: int, reason: DenialReason | None
) -> None:
    assert refused(limited(max_open_orders=3), of=account(open_orders=standing)) is reason


@pytest.mark.parametrize(
    ("side", "limit", "reason"),
    [
        (Side.BUY, "110", None),
        (Side.BUY, "110.05", DenialReason.FAT_FINGER),
        (Side.BUY, "1", None),
        (Side.SELL, "90", None),
        (Side.SELL, "89.95", DenialReason.FAT_FINGER),
        (Side.SELL, "900", None),
    ],
)
def test_a_limit_is_held_against_the_last_price_on_the_costly_side(
    side: Side, limit: str, reason: DenialReason | None
) -> None:
    order = replace(ORDER, side=side, limit_price=Decimal(limit))

    assert refused(limited(fat_finger_percent=10), order) is reason


def test_the_limit_of_a_stop_order_is_held_against_its_trigger_until_it_is_reached() -> None:
    order = replace(
        ORDER,
        order_type=OrderType.STOP_LIMIT,
        trigger_price=Decimal(150),
        limit_price=Decimal(160),
    )
    rules = limited(fat_finger_percent=10)

    assert refused(rules, order, terms=replace(TERMS, triggered=False)) is None
    assert refused(rules, order, terms=TERMS) is DenialReason.FAT_FINGER


def test_an_order_at_market_and_one_without_a_last_price_have_no_fat_finger() -> None:
    rules = limited(fat_finger_percent=0)
    at_market = replace(ORDER, order_type=OrderType.MARKET, limit_price=None)

    assert refused(rules, at_market, terms=replace(TERMS, limit_price=Decimal(900))) is None
    assert refused(rules, terms=replace(TERMS, reference=None)) is None


def test_a_limit_of_one_account_leaves_the_others_alone() -> None:
    rules = TradingRules.from_rows((), [("user", "2", "max_order_quantity", "1")])

    assert refused(rules) is None
    assert refused(rules, replace(ORDER, user_id=2)) is DenialReason.QUANTITY_LIMIT


def test_a_limit_for_everyone_holds_beside_an_accounts_own() -> None:
    rules = TradingRules.from_rows(
        (),
        [("global", "", "max_order_quantity", "64"), ("user", "1", "max_order_quantity", "1000")],
    )

    assert rules.limits(1) == rules.limits(2) == Limits(max_order_quantity=64)


@pytest.mark.parametrize(
    ("quantity", "limit", "reason"),
    [
        (65, "100", None),
        (130, "100", DenialReason.QUANTITY_LIMIT),
        (65, "120", DenialReason.FAT_FINGER),
    ],
)
def test_an_order_is_amended_within_the_limits(
    quantity: int, limit: str, reason: DenialReason | None
) -> None:
    resting = replace(ORDER, status=OrderStatus.WORKING)
    rules = limited(max_order_quantity=65, fat_finger_percent=10, max_open_orders=1)
    amendment = Amendment(quantity, Decimal(limit), None)

    # The order is itself the one that the account may have open.
    holder, bids = account(open_orders=1), replace(FLAT, open_buy_quantity=65)
    assert refusal_to_amend(resting, amendment, holder, bids, TERMS, rules) is reason


def test_what_an_order_offers_itself_does_not_stand_in_the_way_of_its_amendment() -> None:
    resting = replace(ORDER, side=Side.SELL, status=OrderStatus.WORKING)
    holds = replace(FLAT, net_quantity=65, open_sell_quantity=65)

    def amended(quantity: int) -> DenialReason | None:
        amendment = Amendment(quantity, Decimal(99), None)
        return refusal_to_amend(resting, amendment, account(), holds, TERMS, REDUCING)

    assert amended(65) is None
    assert amended(130) is DenialReason.REDUCING_ONLY


def test_a_duplicate_is_looked_for_where_a_window_is_set() -> None:
    rules = limited(duplicate_window_seconds="2.5")
    other = replace(ORDER, id=2, user_id=9)

    assert rules.duplicate_windows([ORDER, other], {}) == {1: Decimal("2.5")}
    assert limited(max_open_orders=1).duplicate_windows([ORDER], {}) == {}
    assert NO_RULES.duplicate_windows([ORDER], {}) == {}


@pytest.mark.parametrize(("held", "rests", "repeatable"), [(0, 0, 0), (130, 0, 2), (130, 65, 1)])
def test_emergencies_may_repeat_as_far_as_they_close(
    held: int, rests: int, repeatable: int
) -> None:
    rules = limited(duplicate_window_seconds="2.5")
    exposure = replace(FLAT, net_quantity=held, open_sell_quantity=rests)
    exits = [replace(ORDER, id=n, side=Side.SELL, priority=Priority.EMERGENCY) for n in range(1, 4)]
    opening = replace(exits[0], id=4, side=Side.BUY)

    windows = rules.duplicate_windows([*exits, opening], {(USER, SYMBOL): exposure})

    assert list(windows) == [n for n in range(1, 5) if n > repeatable]


_rupees = st.decimals("0.05", "400", places=2)
_orders = st.builds(
    replace,
    st.just(ORDER),
    side=st.sampled_from(Side),
    quantity=st.integers(1, 6).map(lambda lots: 65 * lots),
    limit_price=st.none() | _rupees,
    priority=st.sampled_from(Priority),
    trigger_price=st.none() | _rupees,
)
_terms = st.builds(
    replace,
    st.just(TERMS),
    limit_price=_rupees,
    reference=st.none() | _rupees,
    triggered=st.booleans(),
)
_exposures = st.builds(
    Exposure,
    st.just(USER),
    st.just(SYMBOL),
    st.integers(-6, 6).map(lambda lots: 65 * lots),
    st.integers(0, 3).map(lambda lots: 65 * lots),
    st.integers(0, 3).map(lambda lots: 65 * lots),
)
_accounts = st.builds(account, st.sampled_from(["-500", "-1", "0", "700"]), st.integers(0, 4))
_values = {
    LimitKind.MAX_ORDER_QUANTITY: st.integers(1, 400),
    LimitKind.MAX_ORDER_NOTIONAL: st.integers(1, 100_000),
    LimitKind.MAX_OPEN_ORDERS: st.integers(1, 5),
    LimitKind.MAX_DAILY_LOSS: st.integers(0, 600),
    LimitKind.FAT_FINGER_PERCENT: st.integers(0, 200),
}
_limits = st.lists(
    st.sampled_from(list(_values)).flatmap(
        lambda kind: st.tuples(
            st.sampled_from([("global", ""), ("user", "1"), ("user", "2")]),
            st.just(kind.value),
            _values[kind].map(str),
        )
    ),
    unique_by=lambda row: row[:2],
).map(lambda rows: [(*scope, kind, value) for scope, kind, value in rows])
_controls = st.lists(
    st.tuples(
        st.sampled_from([("system", ""), ("user", "1"), ("user", "2"), ("underlying", "NIFTY")]),
        st.sampled_from(["active", "reducing", "halted"]),
    ),
    unique_by=lambda row: row[0],
).map(lambda rows: [(*scope, state) for scope, state in rows])


@given(_orders, _accounts, _exposures, _terms, _controls, _limits)
def test_the_refusal_is_that_of_a_plain_twin(
    order: Order,
    of: Account,
    exposure: Exposure,
    terms: Terms,
    controls: list[tuple[str, str, str]],
    limits: list[tuple[str, str, str, str]],
) -> None:
    rules = TradingRules.from_rows(controls, limits)

    assert refusal(order, of, exposure, terms, rules) == twin(
        order, of, exposure, terms, controls, limits
    )


def twin(
    order: Order,
    of: Account,
    exposure: Exposure,
    terms: Terms,
    controls: list[tuple[str, str, str]],
    limits: list[tuple[str, str, str, str]],
) -> DenialReason | None:
    """Ask every row by itself, in the order in which reasons are documented."""
    after = exposure.net_quantity
    if order.side is Side.SELL:
        after -= exposure.open_sell_quantity + order.quantity
        crosses = after < 0
    else:
        after += exposure.open_buy_quantity + order.quantity
        crosses = after > 0
    if not crosses and order.priority is Priority.EMERGENCY:
        return None
    mine = [("system", ""), ("user", "1"), ("underlying", "NIFTY")]
    states = {state for scope, name, state in controls if (scope, name) in mine}
    if "halted" in states:
        return DenialReason.TRADING_HALTED
    if "reducing" in states and crosses:
        return DenialReason.REDUCING_ONLY

    def broken(kind: LimitKind) -> bool:
        values = [Decimal(v) for _, name, k, v in limits if name in ("", "1") and k == kind]
        return any(_breaks(kind, value, order, of, terms) for value in values)

    checks = [
        (LimitKind.MAX_DAILY_LOSS, DenialReason.DAILY_LOSS, crosses),
        (LimitKind.MAX_OPEN_ORDERS, DenialReason.OPEN_ORDERS_LIMIT, True),
        (LimitKind.MAX_ORDER_QUANTITY, DenialReason.QUANTITY_LIMIT, True),
        (LimitKind.MAX_ORDER_NOTIONAL, DenialReason.NOTIONAL_LIMIT, True),
        (LimitKind.FAT_FINGER_PERCENT, DenialReason.FAT_FINGER, True),
    ]
    return next((reason for kind, reason, counts in checks if counts and broken(kind)), None)


def _breaks(kind: LimitKind, value: Decimal, order: Order, of: Account, terms: Terms) -> bool:
    limit = order.limit_price
    if kind is LimitKind.MAX_DAILY_LOSS:
        return of.day_pnl < 0 and of.day_pnl <= -value
    if kind is LimitKind.MAX_OPEN_ORDERS:
        return of.open_orders + 1 > value
    if kind is LimitKind.MAX_ORDER_QUANTITY:
        return order.quantity > value
    if kind is LimitKind.MAX_ORDER_NOTIONAL:
        price = terms.limit_price if limit is None else limit
        assert price is not None
        if order.side is Side.SELL and terms.reference is not None:
            price = max(price, terms.reference)
        return price * order.quantity > value
    return _is_too_far(value, order, terms)


def _is_too_far(percent: Decimal, order: Order, terms: Terms) -> bool:
    limit = order.limit_price
    anchor = terms.reference if terms.triggered else order.trigger_price
    if limit is None or anchor is None:
        return False
    if order.side is Side.BUY:
        return limit > anchor * (100 + percent) / 100
    return limit < anchor * (100 - percent) / 100
