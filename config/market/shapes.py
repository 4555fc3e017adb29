"""The shape of each table of ``config/market``: its keys, types and bounds."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

Percent = Annotated[str, Meta(pattern=r"^\d{1,3}(\.\d{1,6})?$")]
Rupees = Annotated[str, Meta(pattern=r"^\d{1,7}(\.\d{1,2})?$")]
#: Rupees above zero.
Tick = Annotated[str, Meta(pattern=r"^(0\.(0[1-9]|[1-9]\d?)|[1-9]\d{0,3}(\.\d{1,2})?)$")]
#: A share of a year's interest, such as 0.065.
Share = Annotated[str, Meta(pattern=r"^\d(\.\d{1,6})?$")]
#: From 0.1 on: a smaller one is a fraction written as a percentage.
DailyPercent = Annotated[str, Meta(pattern=r"^(0\.[1-9]\d{0,5}|[1-9]\d?(\.\d{1,6})?)$")]
Symbol = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9&-]{0,39}$")]
Number = Annotated[str, Meta(pattern=r"^\d{1,4}(\.\d{1,6})?$")]
Time = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
MonthDay = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Units = Annotated[int, Meta(ge=1, le=1_000_000)]


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON object without unknown keys."""


class DatedRow(Shape, frozen=True, kw_only=True):
    """A row that applies from a day on."""

    since: date = msgspec.field(name="from")


class HoursRow(DatedRow, frozen=True, kw_only=True):
    open: Time
    close: Time
    pre_open: Time | None = None
    pause: tuple[Time, Time] | None = None


class HolidayRow(Shape, frozen=True):
    date: date
    name: Name


class FixedHolidayRow(Shape, frozen=True):
    day: MonthDay
    name: Name


class SpecialRow(Shape, frozen=True, kw_only=True):
    date: date
    name: Name
    open: Time
    close: Time
    pre_open: Time | None = None
    pause: tuple[Time, Time] | None = None
    trading_day: bool = False


class AlgoRuleRow(DatedRow, frozen=True, kw_only=True):
    #: Zero where there is no limit.
    orders_per_second: Annotated[int, Meta(ge=0, le=100_000)]
    static_address: bool
    daily_logout: bool


class AlgoRules(Shape, frozen=True):
    source: str
    rules: Annotated[list[AlgoRuleRow], Meta(min_length=1)]


Rows = Annotated[list[HoursRow], Meta(min_length=1)]


class Sessions(Shape, frozen=True, kw_only=True):
    source: str
    timezone: Annotated[str, Meta(pattern="^Asia/Kolkata$")]
    known_from: date
    published_until: date
    hours: Rows
    holidays: list[HolidayRow]
    fixed_holidays: list[FixedHolidayRow]
    special_sessions: list[SpecialRow]


class ChargeRow(DatedRow, frozen=True, kw_only=True):
    stt_sell: Percent
    transaction: Percent
    investor_protection: Percent
    sebi: Percent
    stamp_buy: Percent
    gst: Percent
    brokerage_rupees: Rupees
    #: Of the intrinsic value of an exercised long option.
    stt_exercise: Percent = "0"


class ExchangeCharges(Shape, frozen=True):
    NSE: Annotated[list[ChargeRow], Meta(min_length=1)]
    BSE: Annotated[list[ChargeRow], Meta(min_length=1)]


class Charges(Shape, frozen=True):
    source: str
    options: ExchangeCharges
    futures_source: str
    futures: ExchangeCharges


class UnitsRow(DatedRow, frozen=True, kw_only=True):
    units: Units


class TickRow(DatedRow, frozen=True, kw_only=True):
    rupees: Tick


class WeekdayRow(DatedRow, frozen=True, kw_only=True):
    weekday: Annotated[int, Meta(ge=0, le=4)]


class DeliveryRow(DatedRow, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=0, le=20)]


class Contracts(Shape, frozen=True, kw_only=True):
    source: str
    tick_size: Tick
    #: Of futures by underlying; without a row that of options.
    future_tick_size: dict[str, Annotated[list[TickRow], Meta(min_length=1)]] = {}
    exchange: dict[str, Annotated[str, Meta(pattern="^(NSE|BSE)$")]]
    expiry_weekday: dict[str, Annotated[list[WeekdayRow], Meta(min_length=1)]]
    weekly: list[str]
    lot_size: dict[str, Annotated[list[UnitsRow], Meta(min_length=1)]]
    freeze_quantity: dict[str, Annotated[list[UnitsRow], Meta(min_length=1)]]
    #: Trading days before the expiry of options on stocks.
    delivery_days: list[DeliveryRow] = []


class RequestLimitRow(DatedRow, frozen=True, kw_only=True):
    second: Annotated[int, Meta(ge=1, le=100_000)]
    #: Zero where there is no limit.
    minute: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    hour: Annotated[int, Meta(ge=0, le=100_000_000)] = 0


RequestLimitRows = Annotated[list[RequestLimitRow], Meta(min_length=1)]


class RequestLimits(Shape, frozen=True, kw_only=True):
    """The requests that are counted together, by their name in ``adapters/angel_one/calls.py``."""

    login: RequestLimitRows
    renewal: RequestLimitRows
    logout: RequestLimitRows
    profile: RequestLimitRows
    funds: RequestLimitRows
    orders: RequestLimitRows
    order_book: RequestLimitRows
    details: RequestLimitRows
    trade_book: RequestLimitRows
    positions: RequestLimitRows
    search: RequestLimitRows
    quote: RequestLimitRows
    margin: RequestLimitRows
    conversion: RequestLimitRows
    candles: RequestLimitRows
    greeks: RequestLimitRows


class BrokerLimits(Shape, frozen=True):
    source: str
    limits: RequestLimits


class CutoffRow(DatedRow, frozen=True, kw_only=True):
    minutes_before_close: Annotated[int, Meta(ge=0, le=300)]


class Intraday(Shape, frozen=True):
    source: str
    cutoff: Annotated[list[CutoffRow], Meta(min_length=1)]


class ShortRow(DatedRow, frozen=True, kw_only=True):
    exposure_percent: Percent
    expiry_day_percent: Percent


class SpreadRow(DatedRow, frozen=True, kw_only=True):
    charge_percent: Percent


class ScanRow(Shape, frozen=True):
    price_percent: Percent
    distant_price_percent: Percent
    volatility_points: Percent


class ScenarioRow(DatedRow, frozen=True, kw_only=True):
    index: ScanRow
    stock: ScanRow
    distant_months: Number
    extreme_moves: Number
    extreme_cover_percent: Percent
    look_ahead_days: Number


class Span(Shape, frozen=True):
    indices: list[str]
    scenarios: Annotated[list[ScenarioRow], Meta(min_length=1)]


class Margin(Shape, frozen=True, kw_only=True):
    source: str
    short_options: Annotated[list[ShortRow], Meta(min_length=1)]
    short_stock_options: Annotated[list[ShortRow], Meta(min_length=1)]
    calendar_spreads: Annotated[list[SpreadRow], Meta(min_length=1)]
    #: Without them those of indices.
    stock_calendar_spreads: list[SpreadRow] = []
    span_source: str
    span: Span


class LimitBandRow(DatedRow, frozen=True, kw_only=True):
    low_premium_rupees: Rupees
    low_band_rupees: Rupees
    band_percent: Percent


class SlabRow(Shape, frozen=True):
    below_rupees: Rupees
    percent: Percent


class MarketBandRow(DatedRow, frozen=True, kw_only=True):
    least_ticks: Annotated[int, Meta(ge=0, le=100)]
    slabs: list[SlabRow]
    beyond_percent: Percent


class PriceBands(Shape, frozen=True):
    source: str
    limit_orders: Annotated[list[LimitBandRow], Meta(min_length=1)]
    limit_orders_in_futures: Annotated[list[LimitBandRow], Meta(min_length=1)]
    market_orders: Annotated[list[MarketBandRow], Meta(min_length=1)]


class RateRow(DatedRow, frozen=True, kw_only=True):
    rate: Share


class Rates(Shape, frozen=True):
    source: str
    risk_free: Annotated[list[RateRow], Meta(min_length=1)]
    exchange_source: str
    exchange: Annotated[list[RateRow], Meta(min_length=1)]


class VolatilityRow(DatedRow, frozen=True, kw_only=True):
    percent: DailyPercent


class Volatility(Shape, frozen=True, kw_only=True):
    source: str
    max_age_days: Annotated[int, Meta(ge=1, le=366)]
    #: By underlying; one without rows has the floors of its scan ranges.
    daily: dict[Symbol, Annotated[list[VolatilityRow], Meta(min_length=1)]]


#: The shape of each table, by its name.
SHAPES: MappingProxyType[str, type[Shape]] = MappingProxyType(
    {
        "algo_rules": AlgoRules,
        "broker_limits": BrokerLimits,
        "charges": Charges,
        "contracts": Contracts,
        "intraday": Intraday,
        "margin": Margin,
        "price_bands": PriceBands,
        "rates": Rates,
        "sessions": Sessions,
        "volatility": Volatility,
    }
)
