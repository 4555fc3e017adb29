from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from angel_x.rehearsal.demo.refusals import PREFIX, RequestParts, bad_requests
from angel_x.rehearsal.orders import Instrument

GIVEN = RequestParts(
    instrument=Instrument("NIFTY_01DEC26_24000CE", 65, Decimal("0.05"), Decimal("204.30")),
    key="ax_0123456789ab_" + "a" * 64,
    revoked_key="ax_000000000000_" + "b" * 64,
    foreign_order_id="77",
    known_order={"client_order_id": "good", "symbol": "NIFTY_01DEC26_24000CE", "side": "BUY"},
)


def test_every_kind_of_bad_request_has_a_name_of_its_own_and_a_status_of_the_caller() -> None:
    requests = list(bad_requests(GIVEN))

    assert len({request.kind for request in requests}) == len(requests) > 20
    assert all(400 <= request.status < 500 for request in requests)


def test_no_bad_order_can_hide_among_the_good() -> None:
    orders = [r for r in bad_requests(GIVEN) if r.method == "POST"]
    assert len(orders) > 20
    for request in orders:
        if request.kind != "same id, other content":
            assert request.body is not None
            assert b'"client_order_id": "good"' not in request.body


def test_a_bad_order_has_one_fault_only() -> None:
    (wrong_lot,) = [r for r in bad_requests(GIVEN) if r.kind == "wrong lot"]
    assert wrong_lot.body is not None

    order = json.loads(wrong_lot.body)

    assert order["client_order_id"].startswith(PREFIX)
    assert order["quantity"] == 66
    assert order["symbol"] == GIVEN.instrument.symbol


def test_the_wrong_key_differs_from_the_right_one() -> None:
    (wrong,) = [r for r in bad_requests(GIVEN) if r.kind == "wrong key"]

    assert wrong.key is not None
    assert wrong.key != GIVEN.key
    assert len(wrong.key) == len(GIVEN.key)


@pytest.mark.parametrize("tick", ["0.05", "0.10", "1"])
def test_the_wrong_tick_is_wrong_whatever_the_tick(tick: str) -> None:
    instrument = replace(GIVEN.instrument, tick_size=Decimal(tick))
    requests = bad_requests(replace(GIVEN, instrument=instrument))
    (wrong_tick,) = [r for r in requests if r.kind == "wrong tick"]
    assert wrong_tick.body is not None

    price = Decimal(json.loads(wrong_tick.body)["price"])

    assert price % Decimal(tick) != 0
    assert price % Decimal("0.01") == 0
