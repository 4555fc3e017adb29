"""The validity of an accepted order, and the sizes of its slices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.order import OrderRequest
from angel_x.services.intake.acceptance import Submission
from tests.builders.reception import CALL, LARGEST, LOT, PUT, UNIVERSE, Reception, order

#: The close of the session that runs at MARKET_TIME.
CLOSE = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)


def submission(user_id: int, *requests: OrderRequest) -> Submission:
    return Submission(user_id, requests)


def test_an_order_is_valid_until_the_close_of_the_session() -> None:
    reception = Reception()

    reception.accept(7, order())

    assert [row.valid_until for row in reception.intake.rows] == [CLOSE]


def test_after_the_close_an_order_is_valid_until_the_next_one() -> None:
    reception = Reception(now=CLOSE)

    reception.accept(7, order())

    assert [row.valid_until for row in reception.intake.rows] == [CLOSE + timedelta(days=1)]


def test_an_order_is_not_valid_beyond_the_life_of_its_contract() -> None:
    ends = CLOSE - timedelta(hours=1)
    short = replace(UNIVERSE.contracts[UNIVERSE.rows[CALL]], expires_at=ends)
    long = UNIVERSE.contracts[UNIVERSE.rows[PUT]]
    reception = Reception(universe=Universe([short, replace(long, expires_at=ends)]))

    reception.accept(7, order("a", quantity=LARGEST + LOT))

    assert [row.valid_until for row in reception.intake.rows] == [ends] * 3


def test_an_order_is_cut_by_the_freeze_quantity() -> None:
    reception = Reception()

    (row,) = reception.acceptance.rows(submission(7, order(quantity=LARGEST + LOT)))

    assert row.slice_sizes == (LARGEST, LOT)


def test_what_has_left_the_list_since_its_check_is_stored_whole() -> None:
    gone = order(symbol="NIFTY_25AUG26_1CE", quantity=3 * LARGEST)

    (row,) = Reception().acceptance.rows(submission(7, gone))

    assert (row.request, row.valid_until, row.slice_sizes) == (gone, CLOSE, ())
