"""Codes that stand in the database, in messages and in the programs of callers: none may change."""

from __future__ import annotations

from enum import StrEnum

import pytest

from angel_x.domain.book.limits import LimitKind
from angel_x.domain.book.risk import TradingState
from angel_x.domain.contracts.contract import MONTHS, Right
from angel_x.domain.orders.denial import CancelReason, DenialReason, MoveReason
from angel_x.domain.orders.order import (
    EXIT_PREFIX,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.records.access import Scope


@pytest.mark.parametrize(
    ("codes", "values"),
    [
        (Side, "BUY SELL"),
        (Right, "CE PE"),
        (OrderType, "MARKET LIMIT SL SL-M"),
        (Validity, "DAY IOC"),
        (Product, "NRML MIS"),
        (Priority, "emergency high normal low"),
        (
            OrderStatus,
            "received denied submitting rejected working trigger_pending partially_filled "
            "pending_cancel pending_amend filled canceled expired",
        ),
        (TradingState, "active reducing halted"),
        (Scope, "read trade admin"),
        (
            LimitKind,
            "max_order_quantity max_order_notional max_open_orders max_orders_per_second "
            "max_daily_loss fat_finger_percent duplicate_window_seconds max_wait_hours "
            "trigger_at_once stop_loss take_profit trailing_stop stop_square_off",
        ),
    ],
)
def test_words_of_the_wire_stay_what_they_are(codes: type[StrEnum], values: str) -> None:
    assert [code.value for code in codes] == values.split()


@pytest.mark.parametrize(
    ("reasons", "values"),
    [
        (
            DenialReason,
            "UNKNOWN_CONTRACT CONTRACT_EXPIRED NO_QUOTE STALE_QUOTE NO_RISK_ARRAY "
            "INSUFFICIENT_MARGIN "
            "TRADING_HALTED REDUCING_ONLY DAILY_LOSS QUANTITY_LIMIT NOTIONAL_LIMIT "
            "OPEN_ORDERS_LIMIT PRICE_BAND TRIGGER_PASSED FAT_FINGER DUPLICATE_ORDER MARKET_CLOSED "
            "BASKET_REFUSED LIVE_NOT_ALLOWED LIVE_UNCONFIRMED LIVE_UNRECONCILED VENUE_REFUSED "
            "PROCESSING_FAILED",
        ),
        (
            CancelReason,
            "REQUESTED NOT_MARKETABLE NOT_FILLED_AT_ONCE VALIDITY_ENDED KILL_SWITCH SQUARED_OFF "
            "INTRADAY_CUTOFF BASKET_REFUSED CANCELED_BY_VENUE",
        ),
        (MoveReason, "TRIGGERED LEASE_EXPIRED AWAITS_OPENING AMENDED REPLAYED"),
    ],
)
def test_a_reason_is_stored_under_its_own_name(reasons: type[StrEnum], values: str) -> None:
    assert [(reason.name, reason.value) for reason in reasons] == [(v, v) for v in values.split()]


def test_months_are_those_of_symbols() -> None:
    assert " ".join(MONTHS) == "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"


def test_exits_are_told_by_a_blank_that_no_callers_id_holds() -> None:
    assert EXIT_PREFIX == "square-off "


def test_a_sale_is_the_opposite_of_a_purchase() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
