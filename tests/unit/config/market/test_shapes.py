"""What each table holds, by name and number: no row, key or source is added or lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

from config.market import table
from tests.unit.config.market.listings import TABLES, first_days, rows_of

#: Keys in their order; so many rows of lists; quotes for text.
SHAPES = {
    "algo_rules": "source'' rules[2 from'' orders_per_second0 static_address0 daily_logout0]",
    "broker_limits": (
        "source'' limits("
        + " ".join(
            f"{name}[1 from'' second0 minute0 hour0]"
            for name in (
                "login",
                "renewal",
                "logout",
                "profile",
                "funds",
                "orders",
                "order_book",
                "details",
                "trade_book",
                "positions",
                "search",
                "quote",
                "margin",
                "conversion",
                "candles",
                "greeks",
            )
        )
        + ")"
    ),
    "charges": (
        "source'' options(NSE[4 from'' stt_sell'' stt_exercise'' transaction'' investor_protection'' "
        "sebi'' stamp_buy'' gst'' brokerage_rupees''] BSE[4 from'' stt_sell'' stt_exercise'' transaction'' "
        "investor_protection'' sebi'' stamp_buy'' gst'' brokerage_rupees'']) futures_source'' "
        "futures(NSE[3 from'' stt_sell'' transaction'' investor_protection'' sebi'' stamp_buy'' gst'' "
        "brokerage_rupees''] BSE[3 from'' stt_sell'' transaction'' investor_protection'' sebi'' "
        "stamp_buy'' gst'' brokerage_rupees''])"
    ),
    "contracts": (
        "source'' tick_size'' future_tick_size(NIFTY[2 from'' rupees''] BANKNIFTY[2 from'' rupees''] "
        "FINNIFTY[2 from'' rupees''] NIFTYNXT50[2 from'' rupees'']) exchange(SENSEX'' BANKEX'') "
        "expiry_weekday(NSE[2 from'' weekday0] BSE[3 from'' weekday0] "
        "BANKNIFTY[4 from'' weekday0] FINNIFTY[3 from'' weekday0] MIDCPNIFTY[3 from'' weekday0] "
        "NIFTYNXT50[3 from'' weekday0] BANKEX[3 from'' weekday0]) weekly[2''] delivery_days[1 from'' days0] "
        "lot_size(NIFTY[6 from'' units0] BANKNIFTY[4 from'' units0] FINNIFTY[4 from'' units0] "
        "MIDCPNIFTY[5 from'' units0] NIFTYNXT50[2 from'' units0] SENSEX[2 from'' units0] "
        "BANKEX[2 from'' units0]) "
        "freeze_quantity(NIFTY[1 from'' units0] BANKNIFTY[3 from'' units0] "
        "FINNIFTY[3 from'' units0] MIDCPNIFTY[1 from'' units0] NIFTYNXT50[1 from'' units0] "
        "SENSEX[1 from'' units0] BANKEX[1 from'' units0])"
    ),
    "intraday": "source'' cutoff[2 from'' minutes_before_close0]",
    "margin": (
        "source'' short_options[2 from'' exposure_percent'' expiry_day_percent''] "
        "short_stock_options[1 from'' exposure_percent'' expiry_day_percent''] "
        "calendar_spreads[1 from'' charge_percent''] "
        "stock_calendar_spreads[1 from'' charge_percent''] span_source'' "
        "span(indices[7''] scenarios[1 from'' "
        "index(price_percent'' distant_price_percent'' volatility_points'') "
        "stock(price_percent'' distant_price_percent'' volatility_points'') "
        "distant_months'' extreme_moves'' extreme_cover_percent'' look_ahead_days''])"
    ),
    "price_bands": (
        "source'' limit_orders[1 from'' low_premium_rupees'' low_band_rupees'' band_percent''] "
        "limit_orders_in_futures[1 from'' low_premium_rupees'' low_band_rupees'' band_percent''] "
        "market_orders[1 from'' least_ticks0 slabs[3 below_rupees'' percent''] beyond_percent'']"
    ),
    "rates": ("source'' risk_free[1 from'' rate''] exchange_source'' exchange[1 from'' rate'']"),
    "sessions": (
        "source'' timezone'' known_from'' published_until'' "
        "hours[2 from'' pre_open'' open'' close''] holidays[47 date'' name''] "
        "fixed_holidays[6 day'' name''] "
        "special_sessions[8 date'' name'' open'' close'' | "
        "date'' name'' open'' close'' pause[2''] | date'' name'' open'' close'' trading_day0]"
    ),
    "volatility": "source'' max_age_days0 daily()",
}
SOURCES = {
    ("algo_rules", "source"): (
        "SEBI circular on retail algorithmic trading (Feb-2025) and NSE/INVG/67858 (05-May-2025), "
        "in force for all brokers since 01-Apr-2026: without a registered algo at most 10 orders a "
        "second per exchange, segment and client; a static address registered for each API key; "
        "every session ends once a day. Zero orders a second stand for no limit."
    ),
    ("broker_limits", "source"): (
        "SmartAPI, published table of rate limits, 2026 "
        "(https://smartapi.angelone.in/docs/RateLimit): requests of one client code within any "
        "second, minute and hour; place, modify and cancel count together as orders. Zero stands "
        "for no limit. Not verified: the limits before 2026"
    ),
    ("charges", "source"): (
        "NSE and BSE transaction charges, Finance Act rates of STT, SEBI fee, stamp duty and GST "
        "on index options; brokerage of Angel One; percent of premium unless said otherwise. BSE "
        "takes no charge for investor protection. Not verified: the charges of both exchanges "
        "before 01-Oct-2024, which had slabs by turnover; the lowest is given"
    ),
    ("charges", "futures_source"): (
        "NSE transaction charges and Finance Act rates of STT on the sale of futures, percent of "
        "the value; stamp duty of buyers. BSE takes no transaction charge on futures on indices "
        "and none for investor protection, as lists of charges of brokers say. Not verified: the "
        "charges of NSE before 01-Oct-2024, which had slabs by turnover"
    ),
    ("contracts", "source"): (
        "NSE circulars on lot size (02-Apr-2024, Oct-2024 and 03-Oct-2025) and quantity freeze; "
        "lot sizes are chosen by the expiry of the contract, and those of 20-Nov-2024 hold for "
        "contracts introduced since, not for monthly ones up to January 2025, freeze quantities "
        "by the trading day; expiry weekdays (Monday is 0) by the week, of the underlying where "
        "it has its own, else of its exchange, NSE where no other is named. Underlyings with a "
        "lot size are indices, whose options and futures are settled in cash; options on stocks "
        "are settled by delivery since October 2019, with delivery margin from the fourth trading "
        "day before the expiry (SEBI, physical settlement of stock derivatives). Lots and freeze "
        "quantities are those of options and futures. The tick of futures follows the level of the "
        "index since 15-Apr-2025, 0.05 up to 15000, 0.10 up to 30000 and 0.20 above, reviewed by "
        "month (NSE circulars of March 2025 on tick sizes, as brokers have passed them on); before "
        "it was 0.05. Not verified: the tick of futures of the BSE, and reviews in which the level "
        "of an index passed a bound"
    ),
    ("intraday", "source"): (
        "House rule: brokers square intraday positions off before the close and publish a time of "
        "their own, for index options mostly 15:20 IST. Minutes before the close keep it there "
        "under the hours until 31-Jul-2026 and since 03-Aug-2026, and give special sessions one "
        "as well."
    ),
    ("margin", "source"): (
        "NSE Clearing SPAN risk parameters: exposure margin 2 % of the underlying, extra loss "
        "margin of 2 % on short index options on the day of expiry (NCL/CMPT/64639, 20-Nov-2024), "
        "calendar spread charge 1.75 % of the far contract, of stocks 2.2 %; stocks exposure margin "
        "3.5 %"
    ),
    ("margin", "span_source"): (
        "NSE Clearing, page on SPAN risk parameters: the larger of a multiple of the daily "
        "volatility and these floors, which its files of 2026 hold for indices"
    ),
    ("price_bands", "source"): (
        "Limit orders: limit price protection of NSE (NSE/FAOP/54242, 31-Oct-2022), 20 rupees "
        "either way up to a premium of 50 rupees, 40 percent above; futures on indices 2 percent, "
        "200 rupees up to a price of 10000. Market orders: the slabs of "
        "market price protection that brokers apply to options on the last traded price before "
        "they send a limit order; no day is published on which they came into force. At least two "
        "ticks, so that a premium of a few paise can trade at all, is our own choice."
    ),
    ("rates", "source"): (
        "Rupee money-market rate used to discount premiums; the forward comes from put-call "
        "parity, so the choice moves prices by little"
    ),
    ("rates", "exchange_source"): (
        "The annual rate of the option chain on the exchange's website, with which its published "
        "volatilities of 19-Aug-2026 are found again"
    ),
    ("sessions", "source"): (
        "NSE derivatives segment: trading hours (SEBI circular "
        "HO/47/11/11(3)2025-MRD-POD2/I/2765/2026 for the change of 03-Aug-2026), the holiday "
        "lists for 2024 to 2026 with their later additions, and the circulars on special "
        "sessions. Beyond the last published list only the holidays of a fixed date are known, "
        "and every day is provisional"
    ),
    ("volatility", "source"): (
        "The daily volatility file of derivatives that NSE publishes every evening "
        "(FOVOLT_DDMMYYYY.csv), column Applicable Daily Volatility (M) in percent: the larger of "
        "the exponentially weighted volatilities (weight 0.995) of the underlying and of its "
        "future. A row is dated with the next trading day. The shipped table has no row: the "
        "floors of the scan ranges apply, which the risk files of 2026 hold for indices. An "
        "underlying that has rows must have one of the last max_age_days calendar days; our own "
        "choice, longer than any closure of the market"
    ),
}


def inner(content: Any) -> str:
    return " ".join(f"{key}{shape(value)}" for key, value in content.items())


def shape(content: Any) -> str:
    """Return the keys of parsed JSON in their order, and how many rows of which shapes a list has."""
    if isinstance(content, dict):
        return f"({inner(content)})"
    if isinstance(content, list):
        shapes = {inner(row) if isinstance(row, dict) else shape(row) for row in content}
        every = " | ".join(sorted(shapes))
        return f"[{len(content)}{' ' if isinstance(content[0], dict) else ''}{every}]"
    return "''" if isinstance(content, str) else "0"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_holds_the_rows_and_keys_that_are_known_here(name: str) -> None:
    assert inner(table(name)) == SHAPES[name]


@pytest.mark.parametrize("name", TABLES)
def test_dated_rows_are_written_in_the_order_of_their_days(name: str) -> None:
    for rows in rows_of(name):
        days = first_days(rows)
        assert days == sorted(set(days))


@pytest.mark.parametrize(("name", "key"), SOURCES)
def test_a_table_names_its_sources(name: str, key: str) -> None:
    assert table(name)[key] == SOURCES[name, key]


def test_every_source_is_held_here() -> None:
    found = {(n, key) for n in TABLES for key in table(n) if key.endswith("source")}

    assert found == set(SOURCES)
