"""What orders do to accounts, exposures, positions and the ledger."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Account
from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, OrderType, Side, Validity
from angel_x.domain.values.money import ZERO
from tests.builders.books import (
    HELD,
    NO_CHARGES,
    PER_UNIT,
    RATES,
    SYMBOL,
    USER,
    book,
    order,
    partly,
    repriced,
    terms,
    totals,
)


def test_a_purchase_pays_its_premium_and_its_charges() -> None:
    it = book()

    it.decide(order(Side.BUY), terms("100.00", rates=RATES))

    account = it.accounts[USER]
    charges = totals(it, LedgerAccount.CHARGES)
    assert charges == Decimal("26.52")
    assert account.cash == Decimal(1000000) - 6500 - charges
    assert account.margin_used == 0
    assert it.positions[HELD].quantity == 65
    assert it.positions[HELD].cost == 6500


def test_a_sale_holds_margin_for_every_unit_short() -> None:
    it = book()

    it.decide(order(Side.SELL), terms("100.00"))

    assert it.accounts[USER].margin_used == 65 * PER_UNIT
    assert it.accounts[USER].cash == Decimal(1006500)
    assert it.positions[HELD].cost == -6500


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
    it = repriced(it, PER_UNIT * 3)

    cover = order(Side.BUY)
    it.decide(cover, terms("100.00"))

    assert cover.status is OrderStatus.FILLED
    assert it.accounts[USER].margin_used == 0
    assert set(it.margins.held().values()) == {0}


def test_a_purchase_of_more_than_is_short_is_no_closing_one_although_its_first_part_is() -> None:
    it = book(str(65 * PER_UNIT))
    it.decide(order(Side.SELL), terms("100.00"))
    # An account that is short of margin may only reduce.
    it = repriced(it, PER_UNIT * 3)
    cover, more = order(Side.BUY, 65, limit="100"), order(Side.BUY, 130, limit="100")

    it.decide(more, terms("100.00", units=65))
    assert more.status is OrderStatus.DENIED
    it.decide(cover, terms("100.00", units=30))

    assert cover.status is OrderStatus.PARTIALLY_FILLED
    assert it.exposures[USER, SYMBOL].net_quantity == -35


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


def test_a_resting_sale_is_marked_to_the_market_when_it_trades_after_the_spot_has_risen() -> None:
    it = book(str(65 * PER_UNIT))
    resting = order(Side.SELL, limit="100")
    it.decide(resting, terms(None))

    it = repriced(it, PER_UNIT * 2)
    it.match(resting, terms("100.00"))

    assert resting.status is OrderStatus.FILLED
    assert it.accounts[USER].margin_used == 65 * PER_UNIT * 2
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
    assert HELD not in it.positions
    assert [p.is_flat for p in it.flattened] == [True]


def test_a_fill_through_flat_closes_one_position_and_opens_another() -> None:
    it = book()
    it.decide(order(Side.BUY, 65), terms("100.00"))
    it.decide(order(Side.SELL, 130), terms("90.00", units=130))

    assert it.flattened[0].realised_pnl == -650
    assert it.positions[HELD].quantity == -65
    assert it.positions[HELD].cost == -65 * 90
    assert it.positions[HELD].realised_pnl == 0


def test_what_the_quote_does_not_have_rests_at_the_limit() -> None:
    it = book()
    one = order(Side.BUY, 195, limit="100")

    it.decide(one, partly("99.00", 65))

    assert one.status is OrderStatus.PARTIALLY_FILLED
    assert (one.filled_quantity, one.average_price) == (65, Decimal("99.0000"))
    assert it.positions[HELD].quantity == 65
    assert it.exposures[USER, SYMBOL].open_buy_quantity == 130
    assert it.accounts[USER].open_orders == 1
    assert it.accounts[USER].margin_used == one.reserved >= 13_000


def test_an_order_at_market_rests_at_its_protection_limit() -> None:
    it = book()
    one = order(Side.BUY, 130)

    it.decide(one, partly("100.00", 65, limit="102.00"))

    assert one.limit_price == Decimal("102.00")
    assert one.status is OrderStatus.PARTIALLY_FILLED
    assert one.reserved >= 65 * Decimal("102.00")


def test_immediate_or_cancel_keeps_what_traded_and_nothing_more() -> None:
    it = book()
    one = order(Side.SELL, 130, limit="100", validity=Validity.IOC)

    it.decide(one, partly("100.00", 65))

    assert [m.status for m in it.moves] == [OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCELED]
    assert it.moves[-1].reason == CancelReason.NOT_FILLED_AT_ONCE
    assert it.accounts[USER].margin_used == 65 * PER_UNIT
    assert it.exposures[USER, SYMBOL].open_sell_quantity == 0
    assert it.accounts[USER].open_orders == 0


def test_the_charges_of_the_parts_are_those_of_the_whole_to_the_paisa() -> None:
    whole, parts = book(), book()
    whole.decide(order(Side.BUY, 325, limit="33.35"), partly("33.35", 325))

    one = order(Side.BUY, 325, limit="33.35")
    parts.decide(one, terms(None))
    for _ in range(5):
        parts.match(one, partly("33.35", 65))

    assert one.status is OrderStatus.FILLED
    charges = [totals(b, LedgerAccount.CHARGES) for b in (parts, whole)]
    assert charges[0] == charges[1]


def test_what_was_reserved_pays_for_every_part_even_with_nothing_else_on_the_account() -> None:
    limit, quantity = Decimal("33.35"), 325
    exactly = limit * quantity + RATES.on_order(Side.BUY, limit * quantity)
    it = book(str(exactly))
    one = order(Side.BUY, quantity, limit=str(limit))

    it.decide(one, Terms(None, RATES))
    assert it.accounts[USER].free_balance == 0
    for _ in range(5):
        it.match(one, partly("33.35", 65))
        assert it.accounts[USER].free_balance >= 0

    assert one.status is OrderStatus.FILLED
    assert it.accounts[USER].cash == 0


def stop(side: Side = Side.BUY) -> Order:
    one = order(side, 65, limit="101")
    one.order_type, one.trigger_price = OrderType.STOP_LIMIT, Decimal(100)
    return one


def test_a_stop_order_waits_for_its_trigger_and_then_trades() -> None:
    it, one = book(), stop()

    it.decide(one, Terms(Decimal(99), RATES, None, 65, triggered=False))
    assert one.status is OrderStatus.TRIGGER_PENDING
    assert not it.fills
    it.match(one, Terms(Decimal(99), RATES, None, 65, triggered=False))
    assert not it.fills
    it.match(one, Terms(Decimal(100), RATES, None, 65))

    assert [m.status for m in it.moves] == [
        OrderStatus.TRIGGER_PENDING,
        OrderStatus.WORKING,
        OrderStatus.FILLED,
    ]


def test_a_stop_order_outside_the_band_is_rejected_when_it_triggers() -> None:
    it, one = book(), stop()
    it.decide(one, Terms(None, RATES, triggered=False))

    it.match(one, Terms(None, RATES, DenialReason.PRICE_BAND))

    assert one.status is OrderStatus.REJECTED
    assert it.accounts[USER].margin_used == 0
    assert it.exposures[USER, SYMBOL].open_buy_quantity == 0


def test_a_venue_that_takes_its_time_holds_everything_and_then_trades() -> None:
    it, one = book(), order(Side.BUY, limit="100")

    it.submit(one, Terms(Decimal(99), RATES, None, 65))
    assert (one.status, one.attempt) == (OrderStatus.SUBMITTING, 1)
    assert one.reserved > 6500
    assert not it.fills
    it.settle(one, Terms(Decimal(99), RATES, None, 65))

    assert one.status is OrderStatus.FILLED
    assert it.accounts[USER].margin_used == 0


def test_what_the_venue_refuses_gives_everything_back() -> None:
    it, one = book(), order(Side.SELL, limit="100")
    it.submit(one, Terms(None, RATES))

    it.settle(one, Terms(None, RATES, DenialReason.PRICE_BAND))

    assert one.status is OrderStatus.REJECTED
    assert it.accounts[USER] == Account(USER, Decimal(1000000), ZERO, ZERO)


def test_an_order_that_nobody_heard_of_is_placed_under_the_next_attempt() -> None:
    it, one = book(), order(Side.BUY, limit="100")
    it.submit(one, Terms(None, RATES))
    held = one.reserved

    it.resubmit(one)

    assert (one.status, one.attempt, one.reserved) == (OrderStatus.SUBMITTING, 2, held)
    assert [m.reason for m in it.moves] == [None, "LEASE_EXPIRED"]


def test_a_dearer_amendment_reserves_more_or_is_refused_whole() -> None:
    it = book("10000")
    one = order(Side.BUY, limit="100")
    it.decide(one, terms(None))
    offered = Terms(None, NO_CHARGES)

    refused = it.amend(one, Amendment(130, Decimal(100), None), offered)
    assert refused is DenialReason.INSUFFICIENT_MARGIN
    assert (one.quantity, it.accounts[USER].margin_used) == (65, Decimal(6500))
    assert it.exposures[USER, SYMBOL].open_buy_quantity == 65

    assert it.amend(one, Amendment(65, Decimal(150), None), offered) is None
    assert (one.limit_price, it.accounts[USER].margin_used) == (Decimal(150), Decimal(9750))
    assert it.moves[-1].detail == "price 100 → 150"


@pytest.mark.parametrize(
    ("amendment", "loses"),
    [
        (Amendment(65, Decimal(100), None), False),
        (Amendment(195, Decimal(100), None), True),
        (Amendment(130, Decimal(101), None), True),
    ],
)
def test_only_less_quantity_at_the_same_price_keeps_its_place(
    amendment: Amendment, *, loses: bool
) -> None:
    assert amendment.loses_priority(order(Side.BUY, 130, limit="100")) is loses


@pytest.mark.parametrize(("held", "units"), [(0, 65), (65, 130), (-65, 65)])
def test_an_exit_never_sells_more_than_its_own_position(held: int, units: int) -> None:
    it = book()
    if held:
        side = Side.BUY if held > 0 else Side.SELL
        it.decide(order(side, abs(held)), terms("100.00"))
    before = len(it.fills)
    leaving = replace(order(Side.SELL, units), client_order_id="square-off 1 1")

    it.decide(leaving, terms("100.00", units=units))

    assert it.moves[-1].reason is DenialReason.REDUCING_ONLY
    assert leaving.status is OrderStatus.DENIED
    assert len(it.fills) == before


@pytest.mark.parametrize(
    ("held", "side", "units", "reason"),
    [
        (65, Side.BUY, 65, DenialReason.REDUCING_ONLY),
        (65, Side.SELL, 65, None),
        (65, Side.SELL, 130, DenialReason.REDUCING_ONLY),
        (-65, Side.BUY, 65, None),
        (-65, Side.SELL, 65, DenialReason.REDUCING_ONLY),
        (0, Side.BUY, 65, DenialReason.REDUCING_ONLY),
    ],
)
def test_a_contract_that_the_list_lacks_may_only_be_closed(
    held: int, side: Side, units: int, reason: DenialReason | None
) -> None:
    it = book()
    if held:
        it.decide(order(Side.BUY if held > 0 else Side.SELL, abs(held)), terms("100.00"))
    one = order(side, units)

    it.decide(one, replace(terms("100.00", units=units), is_closing_only=True))

    assert it.moves[-1].reason == reason


def test_a_resting_order_that_would_open_in_such_a_contract_does_not_trade() -> None:
    it = book()
    opening = order(Side.BUY, limit="100")
    it.decide(opening, terms(None))
    ending = replace(terms("100.00"), is_closing_only=True)

    it.match(opening, ending)
    assert not it.fills

    it.decide(order(Side.SELL), terms("100.00"))
    it.match(opening, ending)
    assert opening.status is OrderStatus.FILLED


def test_an_order_in_such_a_contract_is_not_made_larger() -> None:
    it = book()
    it.decide(order(Side.SELL, 130), terms("100.00", units=130))
    closing = order(Side.BUY, limit="90")
    it.decide(closing, terms(None))
    ending = replace(terms(None), is_closing_only=True)

    larger = Amendment(130, Decimal(90), None)
    assert it.amend(closing, larger, ending) is DenialReason.REDUCING_ONLY
    assert it.amend(closing, Amendment(65, Decimal(95), None), ending) is None
