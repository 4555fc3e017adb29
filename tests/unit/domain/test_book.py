"""What orders do to accounts, exposures, positions and the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.account import Account
from angel_x.domain.book import Book, Terms
from angel_x.domain.charges import ChargeRates, charge_table
from angel_x.domain.denial import CancelReason, DenialReason
from angel_x.domain.ledger import LedgerAccount
from angel_x.domain.money import ZERO
from angel_x.domain.order import Order, OrderStatus, OrderType, Priority, Side, Validity
from config.market import table

RATES = charge_table(table("charges")["options"]).on(date(2026, 11, 23))
NO_CHARGES = ChargeRates(*[Decimal(0)] * 7)
PER_UNIT = Decimal(2700)
USER, SYMBOL = 1, "NIFTY_25AUG26_24050CE"
_ids = count(1)


def order(
    side: Side,
    quantity: int = 65,
    limit: str | None = None,
    validity: Validity = Validity.DAY,
    symbol: str = SYMBOL,
) -> Order:
    order_id = next(_ids)
    return Order(
        id=order_id,
        user_id=USER,
        symbol=symbol,
        side=side,
        quantity=quantity,
        filled_quantity=0,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_price=None if limit is None else Decimal(limit),
        validity=validity,
        priority=Priority.NORMAL,
        status=OrderStatus.RECEIVED,
        valid_until=datetime(2026, 8, 25, 10, 10, tzinfo=UTC),
        client_order_id=f"c{order_id}",
    )


def terms(
    price: str | None, denial: DenialReason | None = None, rates: ChargeRates = NO_CHARGES
) -> Terms:
    return Terms(None if price is None else Decimal(price), PER_UNIT, rates, denial)


def book(cash: str = "1000000") -> Book:
    return Book({USER: Account(USER, Decimal(cash), ZERO, ZERO)}, {}, {})


def totals(book: Book, account: LedgerAccount) -> Decimal:
    return sum((e.amount for e in book.entries if e.account is account), ZERO)


def test_a_purchase_pays_its_premium_and_its_charges() -> None:
    it = book()

    it.decide(order(Side.BUY), terms("100.00", rates=RATES))

    account = it.accounts[USER]
    charges = totals(it, LedgerAccount.CHARGES)
    assert charges == Decimal("26.52")
    assert account.cash == Decimal(1000000) - 6500 - charges
    assert account.margin_used == 0
    assert it.positions[USER, SYMBOL].quantity == 65
    assert it.positions[USER, SYMBOL].cost == 6500


def test_a_sale_holds_margin_for_every_unit_short() -> None:
    it = book()

    it.decide(order(Side.SELL), terms("100.00"))

    assert it.accounts[USER].margin_used == 65 * PER_UNIT
    assert it.accounts[USER].cash == Decimal(1006500)
    assert it.positions[USER, SYMBOL].cost == -6500


def test_margin_must_be_there_before_the_premium_is_credited() -> None:
    short_by_a_paisa = 65 * PER_UNIT - Decimal("0.01")
    it = book(str(short_by_a_paisa))
    refused = order(Side.SELL)

    it.decide(refused, terms("100.00"))

    assert refused.status is OrderStatus.DENIED
    assert it.moves[0].reason == DenialReason.INSUFFICIENT_MARGIN
    assert it.accounts[USER].cash == short_by_a_paisa
    assert it.accounts[USER].margin_used == 0
    assert not it.fills
    assert not it.entries


def test_what_does_not_fit_is_denied_and_the_rest_goes_on() -> None:
    it = book("10000")
    first, second, third = order(Side.BUY), order(Side.BUY), order(Side.BUY)

    for one, price in ((first, "100.00"), (second, "100.00"), (third, "10.00")):
        it.decide(one, terms(price))

    assert [o.status for o in (first, second, third)] == [
        OrderStatus.FILLED,
        OrderStatus.DENIED,
        OrderStatus.FILLED,
    ]


def test_closing_a_short_never_needs_more_margin_than_it_frees() -> None:
    it = book(str(65 * PER_UNIT))
    it.decide(order(Side.SELL), terms("100.00"))
    dearer = Terms(Decimal("100.00"), PER_UNIT * 3, NO_CHARGES)

    cover = order(Side.BUY)
    it.decide(cover, dearer)

    assert cover.status is OrderStatus.FILLED
    assert it.accounts[USER].margin_used == 0
    assert it.exposures[USER, SYMBOL].margin == 0


def test_a_second_resting_sale_is_not_covered_by_the_same_holding() -> None:
    it = book()
    it.decide(order(Side.BUY), terms("100.00"))
    covered, naked = order(Side.SELL, limit="200"), order(Side.SELL, limit="200")

    it.decide(covered, terms(None))
    assert it.accounts[USER].margin_used == 0
    it.decide(naked, terms(None))
    assert it.accounts[USER].margin_used == 65 * PER_UNIT

    it.match(naked, terms("200.00"))
    assert it.exposures[USER, SYMBOL].net_quantity == 0
    assert it.accounts[USER].margin_used == 65 * PER_UNIT, "the one that still rests is naked now"


def test_a_resting_purchase_reserves_its_premium_and_gives_it_back() -> None:
    it = book("10000")
    resting = order(Side.BUY, limit="100")

    it.decide(resting, terms(None))
    assert resting.status is OrderStatus.WORKING
    assert it.accounts[USER].margin_used == 6500
    it.take_off(resting, OrderStatus.CANCELED, CancelReason.REQUESTED)

    assert it.accounts[USER].margin_used == 0
    assert resting.reserved == 0
    assert not it.entries


def test_a_resting_sale_keeps_its_margin_when_it_trades_after_the_spot_has_risen() -> None:
    it = book(str(65 * PER_UNIT))
    resting = order(Side.SELL, limit="100")
    it.decide(resting, terms(None))

    it.match(resting, Terms(Decimal("100.00"), PER_UNIT * 2, NO_CHARGES))

    assert resting.status is OrderStatus.FILLED
    assert it.accounts[USER].margin_used == 65 * PER_UNIT
    assert it.exposures[USER, SYMBOL].open_sell_quantity == 0


def test_immediate_or_cancel_never_rests() -> None:
    it = book()
    gone = order(Side.BUY, limit="100", validity=Validity.IOC)

    it.decide(gone, terms(None))

    assert gone.status is OrderStatus.CANCELED
    assert it.moves[0].reason == CancelReason.NOT_MARKETABLE
    assert it.accounts[USER].margin_used == 0


@pytest.mark.parametrize("reason", [DenialReason.NO_QUOTE, DenialReason.STALE_QUOTE])
def test_what_the_market_refuses_changes_nothing_else(reason: DenialReason) -> None:
    it = book()
    refused = order(Side.BUY)

    it.decide(refused, terms("100.00", reason))

    assert refused.status is OrderStatus.DENIED
    assert it.accounts[USER] == Account(USER, Decimal(1000000), ZERO, ZERO)
    assert not it.fills
    assert not it.entries
    assert not it.exposures
    assert not it.positions


def test_a_round_trip_earns_the_difference() -> None:
    it = book()
    it.decide(order(Side.BUY), terms("100.00"))
    it.decide(order(Side.SELL), terms("110.00"))

    ((user_id, symbol, trip),) = it.trades
    assert (user_id, symbol) == (USER, SYMBOL)
    assert (trip.side, trip.quantity) == (Side.BUY, 65)
    assert (trip.entry_price, trip.exit_price) == (Decimal(100), Decimal("110.00"))
    assert trip.realised_pnl == it.accounts[USER].realised_pnl == 650
    assert (USER, SYMBOL) not in it.positions
    assert [p.is_flat for p in it.flattened] == [True]


def test_a_fill_through_flat_closes_one_position_and_opens_another() -> None:
    it = book()
    it.decide(order(Side.BUY, 65), terms("100.00"))
    it.decide(order(Side.SELL, 130), terms("90.00"))

    assert it.flattened[0].realised_pnl == -650
    assert it.positions[USER, SYMBOL].quantity == -65
    assert it.positions[USER, SYMBOL].cost == -65 * 90
    assert it.positions[USER, SYMBOL].realised_pnl == 0


STEP = st.tuples(
    st.sampled_from(list(Side)),
    st.integers(1, 5),
    st.decimals("0.05", "500", places=2),
    st.sampled_from(["market", "rest", "match", "cancel"]),
    st.decimals("1", "100", places=2),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=40))
def test_whatever_happens_the_books_balance(
    steps: list[tuple[Side, int, Decimal, str, Decimal]],
) -> None:
    it, start = book("20000"), Decimal(20000)
    resting: list[Order] = []
    for side, lots, price, action, per_unit in steps:
        offered = Terms(None if action == "rest" else price, per_unit, RATES)
        if action in {"market", "rest"}:
            one = order(side, lots * 5, str(price) if action == "rest" else None)
            it.decide(one, offered)
            resting += [one] if one.status is OrderStatus.WORKING else []
        elif resting:
            one = resting.pop(0)
            assert one.limit_price is not None
            if action == "match":
                it.match(one, Terms(one.limit_price, per_unit, RATES))
            else:
                it.take_off(one, OrderStatus.CANCELED, CancelReason.REQUESTED)
        account, exposures = it.accounts[USER], it.exposures.values()
        held = list(it.positions.values())
        assert account.cash == start + totals(it, LedgerAccount.CASH)
        assert sum((e.amount for e in it.entries), ZERO) == 0
        assert account.realised_pnl == -totals(it, LedgerAccount.PNL)
        assert sum((p.cost for p in held), ZERO) == totals(it, LedgerAccount.POSITION)
        assert account.margin_used == sum((e.margin for e in exposures), ZERO) + sum(
            (o.reserved for o in resting), ZERO
        )
        assert account.margin_used <= account.cash + account.collateral
        net = sum(f.order.side.sign * f.quantity for f in it.fills)
        assert net == sum(p.quantity for p in held) == sum(e.net_quantity for e in exposures)
