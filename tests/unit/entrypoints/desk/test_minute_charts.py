from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from angel_x.domain.records.minute_series import (
    ContractMinute,
    ContractMinutes,
    StraddleMinute,
    UnderlyingMinutes,
)
from angel_x.entrypoints.desk.views import minute_charts as view
from angel_x.entrypoints.desk.views.chart import Chart
from tests.unit.entrypoints.desk.test_market_charts import BARE, EXPIRY, SUMMARY

DAY = date(2026, 8, 19)
AT = datetime(2026, 8, 19, 3, 45, tzinfo=UTC)
#: The clock in India as the charts show it.
PLACE = datetime(2026, 8, 19, 9, 15, tzinfo=UTC).timestamp() * 1000


def minute(number: int, straddle: str | None = "300.50") -> StraddleMinute:
    return StraddleMinute(
        at=AT + timedelta(minutes=number),
        spot=None if straddle is None else Decimal(24_000 + number),
        expiry=date(2026, 8, 25),
        strike=Decimal(24_000),
        call=Decimal(200),
        put=Decimal("100.50"),
        straddle=None if straddle is None else Decimal(straddle),
    )


def day_of(*minutes: StraddleMinute) -> UnderlyingMinutes:
    return UnderlyingMinutes(underlying="NIFTY", day=DAY, minutes=minutes)


def drawn(chart: Chart) -> list[list[float | None]]:
    assert chart.options is not None
    (series,) = chart.options["series"]
    data: list[list[float | None]] = series["data"]
    return [[None if x is None else x - PLACE, y] for x, y in data]


def test_a_straddle_is_a_line_of_times_in_india_with_all_numbers_as_a_file() -> None:
    chart = view.straddle(day_of(minute(0), minute(1, "301.25")))

    assert drawn(chart) == [[0, 300.5], [60_000, 301.25]]
    assert chart.label == (
        "Straddle of NIFTY at the money through 2026-08-19, 2 minutes, the last ₹301.25 at 09:16:00"
    )
    assert chart.as_csv().splitlines()[:2] == [
        "at,spot,expiry,strike,call,put,straddle",
        "2026-08-19T03:45:00+00:00,24000,2026-08-25,24000,200,100.50,300.50",
    ]


def test_a_line_is_not_drawn_where_nothing_was_quoted() -> None:
    chart = view.underlying(day_of(minute(0), minute(5), minute(6, None), minute(7), minute(13)))

    assert drawn(chart) == [
        [0, 24_000],
        [5 * 60_000, 24_005],
        [6 * 60_000, None],
        [7 * 60_000, 24_007],
        [12 * 60_000, None],
        [13 * 60_000, 24_013],
    ]
    assert chart.label.startswith("NIFTY through 2026-08-19, 4 minutes, the last ₹24,013.00")


def test_a_day_without_quotes_has_no_chart() -> None:
    for found in (day_of(), day_of(minute(0, None))):
        chart = view.straddle(found)
        assert (chart.options, chart.label[-9:]) == (None, "no minute")
    assert view.newest(day_of()) == ""


def test_a_contract_has_its_price_as_a_line_and_its_open_interest_in_the_file() -> None:
    minutes = (ContractMinute(at=AT, price=Decimal("99.95"), oi=650),)

    chart = view.contract(ContractMinutes(symbol="NIFTY_25AUG26_24000CE", day=DAY, minutes=minutes))

    assert drawn(chart) == [[0, 99.95]]
    assert chart.label.startswith("NIFTY_25AUG26_24000CE through 2026-08-19, 1 minutes")
    assert chart.as_csv().splitlines() == [
        "at,price,oi",
        "2026-08-19T03:45:00+00:00,99.95,650",
    ]


def test_the_newest_minute_is_told_with_its_time() -> None:
    assert view.newest(day_of(minute(0), minute(1))) == (
        "Newest minute 09:16:00: NIFTY 24,001.00, straddle of 24,000.00 300.50"
    )


def test_a_contract_is_chosen_among_those_held_and_near_the_money() -> None:
    far = "NIFTY_29DEC26_20000PE"

    named, chosen = view.contracts(SUMMARY, EXPIRY, [far, "BANKNIFTY_25AUG26_50000CE"], None)

    assert named == {
        far: far,
        "NIFTY_25AUG26_24000CE": "24000 CE",
        "NIFTY_25AUG26_24000PE": "24000 PE",
        "NIFTY_25AUG26_24050CE": "24050 CE",
        "NIFTY_25AUG26_24050PE": "24050 PE",
    }
    assert chosen == "NIFTY_25AUG26_24050CE"
    assert view.contracts(SUMMARY, EXPIRY, [far], far)[1] == far


def test_a_chosen_contract_stays_where_the_money_leaves_it_and_goes_with_its_expiry() -> None:
    strikes = tuple(
        replace(EXPIRY.strikes[0], strike=Decimal(strike)) for strike in range(24_000, 30_000, 50)
    )
    wide = replace(EXPIRY, strikes=strikes)
    later = replace(wide, expiry=date(2026, 9, 29))
    kept = "NIFTY_25AUG26_29950PE"

    named, chosen = view.contracts(SUMMARY, wide, [], kept)

    assert (chosen, named[kept], len(named)) == (kept, kept, 2 * 41 + 1)
    assert view.contracts(SUMMARY, later, [], kept)[1] == "NIFTY_29SEP26_24050CE"


def test_without_a_strike_nothing_is_chosen() -> None:
    assert view.contracts(SUMMARY, BARE, [], None) == ({}, None)
