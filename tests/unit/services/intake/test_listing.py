from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.calendar.intraday import IntradayRule, cutoffs
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.order import OrderRequest, OrderType, Product, Side
from angel_x.errors import Fault
from angel_x.services.intake.listing import intraday_faults, listing_faults, stop_faults
from angel_x.services.intake.slicing import Slicing
from config.market import table
from tests.builders.chains import MARKET_TIME, make_universe
from tests.builders.markets import CALENDAR, RULES, factory_on
from tests.builders.paper import CALL, UNIVERSE


def request(side: Side, order_type: OrderType, limit: str | None, trigger: str) -> OrderRequest:
    return OrderRequest(
        "c1",
        CALL,
        side,
        65,
        order_type,
        limit_price=None if limit is None else Decimal(limit),
        trigger_price=Decimal(trigger),
    )


def test_a_stop_without_a_limit_is_refused_with_the_exchanges_reason() -> None:
    (fault,) = stop_faults(0, request(Side.SELL, OrderType.STOP_MARKET, None, "90"))

    assert (fault.field, fault.value) == ("order_type", "SL-M")
    assert "27-Sep-2021" in fault.detail
    assert "16052" in fault.detail


@pytest.mark.parametrize(
    ("side", "limit", "trigger"),
    [
        (Side.BUY, "100", "99.95"),
        (Side.BUY, "100", "100"),
        (Side.SELL, "100", "100.05"),
        (Side.SELL, "100", "100"),
    ],
)
def test_a_stop_may_trigger_up_to_its_limit(side: Side, limit: str, trigger: str) -> None:
    assert list(stop_faults(0, request(side, OrderType.STOP_LIMIT, limit, trigger))) == []


@pytest.mark.parametrize(
    ("side", "trigger", "bound"),
    [(Side.BUY, "100.05", "at most"), (Side.SELL, "99.95", "at least")],
)
def test_a_stop_must_not_trigger_beyond_its_limit(side: Side, trigger: str, bound: str) -> None:
    (fault,) = stop_faults(0, request(side, OrderType.STOP_LIMIT, "100", trigger))

    assert (fault.field, fault.value) == ("trigger_price", trigger)
    assert fault.detail == f"must be {bound} the limit price 100 of a {side} order"


@pytest.mark.parametrize(("underlying", "refused"), [("BANKNIFTY", False), ("RELIANCE", True)])
def test_only_contracts_on_indices_are_traded(underlying: str, *, refused: bool) -> None:
    universe = make_universe((underlying,), strikes=(2_400,))
    order = replace(request(Side.BUY, OrderType.LIMIT, "100", "90"), symbol=universe.symbols[0])

    faults = list(listing_faults(0, order, universe, MARKET_TIME, Slicing(lambda: RULES)))

    expected = [(0, "symbol", universe.symbols[0])] if refused else []
    assert [(f.index, f.field, f.value) for f in faults] == expected
    assert all("must be an option or a future on an index" in f.detail for f in faults)


@pytest.mark.parametrize(("price", "faults"), [("24000.10", []), ("24000.05", ["price"])])
def test_a_future_is_traded_on_ticks_of_its_own(price: str, faults: list[str]) -> None:
    future = factory_on(MARKET_TIME.date()).make_future("NIFTY", UNIVERSE.chains[0].expiry)
    universe = Universe([*UNIVERSE.contracts, future])
    order = plain(symbol=future.symbol, limit_price=Decimal(price))

    found = listing_faults(0, order, universe, MARKET_TIME, SLICING)

    assert [fault.field for fault in found] == faults


SLICING = Slicing(lambda: RULES)
EXPIRES_AT = UNIVERSE.contracts[UNIVERSE.rows[CALL]].expires_at
INSTANT = timedelta(microseconds=1)
#: Orders of 27 lots of 65, the most that fit into the freeze quantity of 1800.
MOST = 200 * 1_755


def plain(**changes: object) -> OrderRequest:
    limit = OrderRequest("c1", CALL, Side.BUY, 65, OrderType.LIMIT, limit_price=Decimal("100.00"))
    return replace(limit, **changes)  # type: ignore[arg-type]  # the tests differ in what they change


def found(request: OrderRequest, now: datetime = MARKET_TIME) -> list[Fault]:
    return list(listing_faults(3, request, UNIVERSE, now, SLICING))


@pytest.mark.parametrize(
    ("now", "is_expired"),
    [(EXPIRES_AT - INSTANT, False), (EXPIRES_AT, True), (EXPIRES_AT + INSTANT, True)],
)
def test_a_contract_is_expired_from_its_last_instant_on(now: datetime, *, is_expired: bool) -> None:
    detail = "must not have expired, it did on 2026-08-25"

    assert found(plain(), now) == ([Fault(3, "symbol", CALL, detail)] if is_expired else [])


def test_an_unlisted_symbol_is_the_only_fault_of_its_order() -> None:
    request = plain(symbol="NIFTY_25AUG26_1CE", quantity=1, limit_price=Decimal("0.01"))

    assert found(request) == [Fault(3, "symbol", request.symbol, "must be a listed contract")]


@pytest.mark.parametrize("quantity", [65, 130, 1_755, 1_820, MOST])
def test_whole_lots_up_to_the_largest_order_are_taken(quantity: int) -> None:
    assert found(plain(quantity=quantity)) == []


@pytest.mark.parametrize("quantity", [1, 64, 66, 1_800])
def test_a_part_of_a_lot_is_not(quantity: int) -> None:
    detail = "must be a multiple of the lot size 65"

    assert found(plain(quantity=quantity)) == [Fault(3, "quantity", str(quantity), detail)]


def test_one_lot_above_the_largest_order_is_too_many() -> None:
    detail = f"must not exceed {MOST}, 200 orders of 1755 each"

    assert found(plain(quantity=MOST + 65)) == [Fault(3, "quantity", str(MOST + 65), detail)]


@pytest.mark.parametrize("price", ["0.05", "0.10", "99.95", "100.00"])
def test_a_price_of_whole_ticks_is_taken(price: str) -> None:
    assert found(plain(limit_price=Decimal(price))) == []
    stop = plain(order_type=OrderType.STOP_LIMIT, trigger_price=Decimal(price))
    assert found(stop) == []


@pytest.mark.parametrize("price", ["0.01", "0.04", "0.06", "99.99"])
def test_a_part_of_a_tick_is_not(price: str) -> None:
    detail = "must be a multiple of the tick size 0.05"

    assert found(plain(limit_price=Decimal(price))) == [Fault(3, "price", price, detail)]
    stop = plain(order_type=OrderType.STOP_LIMIT, trigger_price=Decimal(price))
    assert found(stop) == [Fault(3, "trigger_price", price, detail)]


def test_every_fault_of_a_listed_order_is_named() -> None:
    request = plain(quantity=1, limit_price=Decimal("0.01"), order_type=OrderType.STOP_MARKET)

    faults = found(request, EXPIRES_AT)

    assert [fault.field for fault in faults] == ["symbol", "order_type", "quantity", "price"]


@pytest.mark.parametrize(
    ("time", "is_closing"),
    [
        ("09:49:59.999999", False),
        ("09:50:00", True),
        ("10:09:59.999999", True),
        ("10:10:00", False),
    ],
)
def test_intraday_orders_are_kept_out_from_the_cut_off_to_the_close(
    time: str, *, is_closing: bool
) -> None:
    rule = IntradayRule(CALENDAR, cutoffs(table("intraday")))
    now = datetime.fromisoformat(f"2026-11-23T{time}+00:00")
    detail = "must be NRML from the intraday cut-off to the close"

    kept = list(intraday_faults(3, plain(product=Product.INTRADAY), rule, now, is_continuous=True))

    assert kept == ([Fault(3, "product", "MIS", detail)] if is_closing else [])
    assert list(intraday_faults(3, plain(), rule, now, is_continuous=True)) == []
