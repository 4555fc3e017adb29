"""What an order needs to be let in, to the paisa: exactly enough is enough, a paisa less is not.

Charges on 6,500 rupees are 26.52 for a purchase and 36.08 for a sale, on 12,935 rupees 29.41 and
48.43, on 13,000 rupees 29.44 and 48.55.  65 units short hold 65 times 2,700.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Side, Validity
from angel_x.domain.values.money import ZERO
from tests.builders.books import RATES, SYMBOL, USER, book, order, partly, repriced, terms, totals

PAISA = Decimal("0.01")
NOW = partly("100.00", 65)
RESTS = Terms(None, RATES)
#: 65 of 130 units at 99, the rest at 100.
PART = partly("99.00", 65)

#: Side, units, validity, terms, rupees needed, and of them what is still set aside afterwards.
NEEDS = {
    "a purchase pays premium and charges": (
        Side.BUY, 65, Validity.DAY, NOW, "6526.52", "0"),
    "a resting purchase holds premium and charges at its limit": (
        Side.BUY, 65, Validity.DAY, RESTS, "6526.52", "6526.52"),
    "a purchase that trades in part needs both": (
        Side.BUY, 130, Validity.DAY, PART, "12964.41", "6502.92"),
    "a purchase that never rests needs what it gets": (
        Side.BUY, 130, Validity.IOC, PART, "6461.49", "0"),
    "a sale needs margin and charges before its premium comes in": (
        Side.SELL, 65, Validity.DAY, NOW, "175536.08", "175500"),
    "a resting sale holds margin and charges": (
        Side.SELL, 65, Validity.DAY, RESTS, "175536.08", "175536.08"),
    "a sale that trades in part needs margin for all of it": (
        Side.SELL, 130, Validity.DAY, PART, "351048.43", "351012.48"),
    "a sale that never rests needs margin for what it gets": (
        Side.SELL, 130, Validity.IOC, PART, "175535.95", "175500"),
}  # fmt: skip

needs = pytest.mark.parametrize(
    ("side", "units", "validity", "offered", "needed", "held"), NEEDS.values(), ids=NEEDS
)


def wanted(side: Side, units: int, validity: Validity) -> Order:
    return order(side, units, "100.00", validity)


@needs
def test_exactly_enough_is_enough(
    side: Side, units: int, validity: Validity, offered: Terms, needed: str, held: str
) -> None:
    it, one = book(needed), wanted(side, units, validity)

    it.decide(one, offered)

    account = it.accounts[USER]
    assert (one.status is not OrderStatus.DENIED, one.attempt) == (True, 1)
    assert (one.filled_quantity, account.margin_used) == (offered.fill_quantity, Decimal(held))
    paid = (
        Decimal(needed) - Decimal(held) if side is Side.BUY else totals(it, LedgerAccount.CHARGES)
    )
    earned = ZERO if side is Side.BUY else one.traded_value
    assert account.cash == Decimal(needed) - paid + earned


@needs
def test_a_paisa_less_is_not_enough_and_nothing_moves(
    side: Side, units: int, validity: Validity, offered: Terms, needed: str, held: str
) -> None:
    cash = Decimal(needed) - PAISA
    it, one = book(str(cash)), wanted(side, units, validity)

    it.decide(one, offered)

    assert [(m.status, m.reason) for m in it.moves] == [
        (OrderStatus.DENIED, DenialReason.INSUFFICIENT_MARGIN)
    ]
    assert one.filled_quantity == 0
    assert one.reserved == 0
    assert it.accounts[USER] == Account(USER, cash, ZERO, ZERO)
    assert not any((it.fills, it.entries, it.exposed, it.positions))
    assert not any(it.margins.held().values())


@needs
def test_collateral_counts_as_cash_does_and_what_is_held_does_not(
    side: Side, units: int, validity: Validity, offered: Terms, needed: str, held: str
) -> None:
    for lacking, accepted in ((ZERO, True), (PAISA, False)):
        it, one = book("1000"), wanted(side, units, validity)
        it.accounts[USER] = Account(USER, Decimal(1000), Decimal(needed) - lacking, Decimal(1000))

        it.decide(one, offered)

        assert (one.status is not OrderStatus.DENIED) is accepted, lacking


@pytest.mark.parametrize(("side", "needed"), [(Side.BUY, "6526.52"), (Side.SELL, "175536.08")])
def test_what_is_sent_to_a_slow_venue_holds_all_that_it_may_need(side: Side, needed: str) -> None:
    for lacking, status in ((ZERO, OrderStatus.SUBMITTING), (PAISA, OrderStatus.DENIED)):
        it, one = book(str(Decimal(needed) - lacking)), wanted(side, 65, Validity.IOC)

        it.submit(one, NOW)

        assert one.status is status
        held = Decimal(needed) if status is OrderStatus.SUBMITTING else ZERO
        assert it.accounts[USER].margin_used == held
        assert not it.fills


def test_a_sale_of_what_is_held_needs_its_charges_alone() -> None:
    for lacking, status in ((ZERO, OrderStatus.WORKING), (PAISA, OrderStatus.DENIED)):
        # 65 units for 6,526.52; the charges of the sale are what is left.
        it = book(str(Decimal("6562.60") - lacking))
        it.decide(wanted(Side.BUY, 65, Validity.DAY), NOW)
        one = wanted(Side.SELL, 65, Validity.DAY)

        it.decide(one, RESTS)

        assert one.status is status
        assert it.accounts[USER].margin_used == one.reserved
        assert one.reserved == (Decimal("36.08") if status is OrderStatus.WORKING else 0)


def test_a_purchase_that_covers_a_short_pays_with_what_it_frees() -> None:
    it = book("175536.08")
    it.decide(wanted(Side.SELL, 65, Validity.DAY), NOW)
    # 6,500 of premium came in: 175,536.08 - 36.08 + 6,500, of which 175,500 are held.
    assert it.accounts[USER].free_balance == 6500

    cover = order(Side.BUY, 65, "2700.00")
    it.decide(cover, partly("2700.00", 65))

    assert cover.status is OrderStatus.FILLED
    assert it.accounts[USER].margin_used == 0


def test_the_reserve_of_a_resting_purchase_shrinks_with_every_part() -> None:
    it, one = book("13029.44"), order(Side.BUY, 130, "100.00")
    it.decide(one, RESTS)
    assert (one.reserved, it.accounts[USER].margin_used) == (Decimal("13029.44"), one.reserved)

    it.match(one, PART)

    # 6,435 and 26.49 are paid; the other 65 units cost 6,500 and 29.41 - 26.49.
    assert it.accounts[USER].cash == Decimal("13029.44") - Decimal("6461.49")
    assert (one.reserved, it.accounts[USER].margin_used) == (Decimal("6502.92"), one.reserved)


def test_a_resting_sale_that_is_canceled_gives_back_margin_and_charges() -> None:
    it, one = book("175536.08"), order(Side.SELL, 65, "100.00")
    it.decide(one, RESTS)

    it.take_off(one, OrderStatus.CANCELED, CancelReason.REQUESTED)

    assert it.accounts[USER] == Account(USER, Decimal("175536.08"), ZERO, ZERO)
    assert it.exposures[USER, SYMBOL].open_sell_quantity == 0
    assert not any(it.margins.held().values())


def placed(side: Side, cash: str) -> tuple[Book, Order]:
    """Let 130 units rest at 100, of which 65 have traded there."""
    it, one = book(cash), order(side, 130, "100.00")
    it.decide(one, partly("100.00", 65))
    assert one.status is OrderStatus.PARTIALLY_FILLED
    return it, one


@pytest.mark.parametrize(
    ("side", "cash", "reserved", "margin"),
    [
        # 6,500 and 26.52 are paid.  130 units at 101 cost 13,130; charges come to 32.42 - 26.52.
        (Side.BUY, "19662.42", "13135.90", "0"),
        # The charges of 6,500 + 13,130 are 61.28, of which 36.08 are paid.
        (Side.SELL, "526561.28", "25.20", "526500"),
    ],
)
def test_an_order_that_grows_needs_exactly_what_is_missing(
    side: Side, cash: str, reserved: str, margin: str
) -> None:
    # The premium of the first 65 units of a sale is there to be spent on the rest.
    start = Decimal(cash) - (6500 if side is Side.SELL else 0)
    larger = Amendment(195, Decimal("101.00"), None)
    for lacking, refusal in ((ZERO, None), (PAISA, DenialReason.INSUFFICIENT_MARGIN)):
        it, one = placed(side, str(start - lacking))
        before = replace(it.accounts[USER]), replace(one), dict(it.margins.held()), len(it.moves)

        assert it.amend(one, larger, RESTS) is refusal

        if refusal is None:
            assert (one.quantity, one.reserved) == (195, Decimal(reserved))
            assert it.accounts[USER].margin_used == Decimal(margin) + one.reserved
            assert it.accounts[USER].free_balance == 0
            assert it.amended == [(one, True)]
        else:
            assert before == (it.accounts[USER], one, it.margins.held(), len(it.moves))
            assert not it.amended
        rests = it.exposures[USER, SYMBOL]
        units = rests.open_buy_quantity if side is Side.BUY else rests.open_sell_quantity
        assert units == one.leaves_quantity


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("amendment", "refusal"),
    [
        (Amendment(65, Decimal("100.00"), None), None),
        (Amendment(129, Decimal("100.00"), None), None),
        (Amendment(130, Decimal("99.00"), None), None),
        (Amendment(131, Decimal("100.00"), None), DenialReason.INSUFFICIENT_MARGIN),
        (Amendment(130, Decimal("101.00"), None), DenialReason.INSUFFICIENT_MARGIN),
    ],
)
def test_an_account_under_water_may_shrink_its_orders_and_not_let_them_grow(
    side: Side, amendment: Amendment, refusal: DenialReason | None
) -> None:
    it, one = book("1000000"), order(side, 130, "100.00")
    it.decide(one, RESTS)
    it.accounts[USER].cash = ZERO
    before = it.accounts[USER].margin_used
    assert it.accounts[USER].free_balance < 0

    assert it.amend(one, amendment, RESTS) is refusal

    after = it.accounts[USER].margin_used
    assert (one.quantity == amendment.quantity, one.limit_price == amendment.limit_price) == (
        refusal is None or amendment.quantity == 130,
        refusal is None or amendment.limit_price == 100,
    )
    assert after < before if refusal is None else after == before


def test_an_account_under_water_may_not_pay_for_a_larger_order_with_what_it_does_not_have() -> None:
    it, one = book("13029.44"), order(Side.BUY, 130, "100.00")
    it.decide(one, RESTS)
    it.accounts[USER].cash -= 5000

    assert it.amend(one, Amendment(125, Decimal("104.00"), None), RESTS) is None
    assert one.reserved == Decimal("13029.44")
    refused = it.amend(one, Amendment(125, Decimal("104.05"), None), RESTS)

    assert refused is DenialReason.INSUFFICIENT_MARGIN
    assert (one.limit_price, one.reserved) == (Decimal("104.00"), Decimal("13029.44"))


def test_an_order_that_waits_for_its_decision_is_amended_and_holds_nothing() -> None:
    it, one = book("0"), order(Side.BUY, 65, "100.00")

    assert it.amend(one, Amendment(650, Decimal("200.00"), None), RESTS) is None

    assert (one.quantity, one.limit_price) == (650, Decimal("200.00"))
    assert [(m.status, m.detail) for m in it.moves] == [
        (OrderStatus.RECEIVED, "quantity 65 → 650, price 100.00 → 200.00")
    ]
    assert it.accounts[USER] == Account(USER, Decimal(0), ZERO, ZERO)
    assert it.exposures[USER, SYMBOL].open_buy_quantity == 0


def test_a_day_earns_its_results_less_its_charges() -> None:
    it = book()
    it.decide(order(Side.BUY), NOW)
    assert it.accounts[USER].day_pnl == Decimal("-26.52")
    it.decide(order(Side.SELL), partly("110.00", 65))

    # 7,150 rupees sold: charges of 37.32.
    assert it.accounts[USER].day_pnl == Decimal("650.00") - Decimal("26.52") - Decimal("37.32")
    assert it.accounts[USER].realised_pnl == 650


def test_a_sale_that_trades_holds_the_margin_of_the_market_of_then() -> None:
    it, one = book("1000000"), order(Side.SELL, 130, "100.00")
    it.decide(one, RESTS)
    it = repriced(it, Decimal(5400))

    it.match(one, terms("100.00", rates=RATES))

    assert it.margins.held()[USER, "NIFTY"] == 702_000
    assert it.accounts[USER].margin_used == 702_000 + one.reserved
