from __future__ import annotations

from datetime import date
from decimal import Decimal

from angel_x.domain.book.account import Account
from angel_x.domain.values.money import ZERO

TODAY = date(2026, 11, 23)


def account(pnl_day: date | None) -> Account:
    return Account(1, ZERO, ZERO, ZERO, pnl_day=pnl_day, day_pnl=Decimal("-500.05"))


def test_the_result_of_another_day_is_not_carried_into_this_one() -> None:
    for other in (date(2026, 11, 20), date(2026, 11, 24), None):
        trader = account(other)

        trader.begin_day(TODAY)

        assert (trader.pnl_day, trader.day_pnl) == (TODAY, ZERO)


def test_a_day_that_has_begun_keeps_its_result() -> None:
    trader = account(TODAY)

    trader.begin_day(TODAY)

    assert (trader.pnl_day, trader.day_pnl) == (TODAY, Decimal("-500.05"))
