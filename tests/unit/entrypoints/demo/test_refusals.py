from __future__ import annotations

import json
from decimal import Decimal

from angel_x.entrypoints.demo.orders import Instrument
from angel_x.entrypoints.demo.refusals import PREFIX, Circumstances, bad_requests

GIVEN = Circumstances(
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
    for request in bad_requests(GIVEN):
        if request.method == "POST" and request.kind != "same id, other content":
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
