from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.domain.order import OrderRequest, OrderType, Side
from angel_x.services.listing import listing_faults, stop_faults
from angel_x.services.slicing import Slicing
from tests.builders.chains import MARKET_TIME, make_universe
from tests.builders.markets import RULES
from tests.builders.paper import CALL


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
def test_only_options_on_indices_are_traded(underlying: str, *, refused: bool) -> None:
    universe = make_universe((underlying,), strikes=(2_400,))
    order = replace(request(Side.BUY, OrderType.LIMIT, "100", "90"), symbol=universe.symbols[0])

    faults = list(listing_faults(0, order, universe, MARKET_TIME, Slicing(RULES)))

    expected = [(0, "symbol", universe.symbols[0])] if refused else []
    assert [(f.index, f.field, f.value) for f in faults] == expected
    assert all("must be an option on an index" in f.detail for f in faults)
