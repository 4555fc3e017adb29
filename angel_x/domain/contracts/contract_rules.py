"""Contract terms set by the exchange: lot, freeze quantity, tick, expiry weekday, names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from angel_x.domain.contracts.contract import Contract, Right, format_future, format_symbol
from angel_x.domain.values.dated import Dated
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from angel_x.domain.calendar.session import TradingCalendar

#: Internal names by the names in recordings and exchange files.
_ALIASES = MappingProxyType(
    {
        "NIFTY50": "NIFTY",
        "NIFTY 50": "NIFTY",
        "NIFTYBANK": "BANKNIFTY",
        "NIFTY BANK": "BANKNIFTY",
    }
)

Value = TypeVar("Value")

_DELIVERY_DAYS = 4


def underlying_name(text: str) -> str:
    """Return the internal name of an underlying from the name in a recording."""
    return _ALIASES.get(text, text)


@dataclass(frozen=True, slots=True)
class ContractRules:
    """Lot sizes are chosen by the expiry of the contract, freeze quantities by the trading day."""

    lot_sizes: Mapping[str, Dated[int]]
    freeze_quantities: Mapping[str, Dated[int]]
    #: Rupees.
    tick_size: Decimal
    #: Rupees, of futures by trading day; those without a row have the tick of options.
    future_tick_sizes: Mapping[str, Dated[Decimal]]
    #: By exchange or underlying, and by week; Monday is 0.
    expiry_weekdays: Mapping[str, Dated[int]]
    #: The exchange that lists the options of an underlying; NSE where it is missing.
    exchanges: Mapping[str, str]
    #: Underlyings with weekly contracts.
    weekly: frozenset[str]
    #: Trading days before the expiry of an option on a stock from which delivery margin is due.
    delivery_days: Dated[int]

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> ContractRules:
        """Build the rules from the parsed ``contracts`` table."""
        exchanges, weekly = table["exchange"], table["weekly"]
        assert isinstance(exchanges, dict)
        assert isinstance(weekly, list)
        return cls(
            lot_sizes=_dated(table["lot_size"], "units", int),
            freeze_quantities=_dated(table["freeze_quantity"], "units", int),
            tick_size=Decimal(str(table["tick_size"])),
            future_tick_sizes=_dated(table.get("future_tick_size", {}), "rupees", Decimal),
            expiry_weekdays=_dated(table["expiry_weekday"], "weekday", int),
            exchanges=exchanges,
            weekly=frozenset(weekly),
            delivery_days=delivery_days(table),
        )

    def is_index(self, underlying: str) -> bool:
        """Return whether the underlying is a known index, whose options are settled in cash."""
        return underlying in self.lot_sizes

    def lot_size(self, underlying: str, expiry: date) -> int:
        return _rule("lot size", self.lot_sizes, underlying, expiry)

    def freeze_quantity(self, underlying: str, trading_day: date) -> int:
        return _rule("freeze quantity", self.freeze_quantities, underlying, trading_day)

    def future_tick_size(self, underlying: str, trading_day: date) -> Decimal:
        """Return the tick of the futures of an underlying in rupees."""
        if underlying not in self.future_tick_sizes:
            return self.tick_size
        return _rule("tick of futures", self.future_tick_sizes, underlying, trading_day)

    def weekdays(self, underlying: str) -> Dated[int]:
        """Return the weekday on which the contracts of an underlying expire, by week."""
        own = self.expiry_weekdays.get(underlying)
        return self.expiry_weekdays[self.exchange(underlying)] if own is None else own

    def exchange(self, underlying: str) -> str:
        """Return the exchange that lists the options of an underlying."""
        return self.exchanges.get(underlying, "NSE")


def delivery_days(table: Mapping[str, object]) -> Dated[int]:
    """Return the lengths of the delivery period; a table of an earlier release has none."""
    rows = table.get("delivery_days") or [{"from": "2000-01-01", "days": _DELIVERY_DAYS}]
    assert isinstance(rows, list)
    return Dated((date.fromisoformat(row["from"]), int(row["days"])) for row in rows)


@dataclass(frozen=True, slots=True)
class ContractFactory:
    """Makes contracts with the terms of one trading day."""

    rules: ContractRules
    calendar: TradingCalendar
    trading_day: date

    def make(self, underlying: str, expiry: date, strike: Decimal, right: Right) -> Contract:
        """Return the option under the rules of its expiry and of the trading day.

        Raises:
            InvalidInput: There is no rule for the underlying, or none that far back.
        """
        symbol = format_symbol(underlying, expiry, strike, right)
        return self._made(symbol, underlying, expiry, strike, right, self.rules.tick_size)

    def make_future(self, underlying: str, expiry: date) -> Contract:
        """Return the future of an expiry, as :meth:`make` does an option."""
        symbol = format_future(underlying, expiry)
        tick = self.rules.future_tick_size(underlying, self.trading_day)
        return self._made(symbol, underlying, expiry, Decimal(0), None, tick)

    def _made(
        self,
        symbol: str,
        underlying: str,
        expiry: date,
        strike: Decimal,
        right: Right | None,
        tick_size: Decimal,
    ) -> Contract:
        return Contract(
            symbol=symbol,
            underlying=underlying,
            expiry=expiry,
            strike=strike,
            right=right,
            lot_size=self.rules.lot_size(underlying, expiry),
            tick_size=tick_size,
            freeze_quantity=self.rules.freeze_quantity(underlying, self.trading_day),
            expires_at=self.calendar.expires_at(expiry),
        )


def _rule(name: str, rules: Mapping[str, Dated[Value]], underlying: str, day: date) -> Value:
    if underlying not in rules:
        raise InvalidInput(f"no {name} is known, underlying was {underlying}")
    try:
        return rules[underlying].on(day)
    except LookupError as error:
        raise InvalidInput(
            f"no {name} of {underlying} is known that far back, day was {day}"
        ) from error


def _dated(table: object, key: str, read: Callable[[Any], Value]) -> Mapping[str, Dated[Value]]:
    assert isinstance(table, dict)
    return {
        name: Dated((date.fromisoformat(row["from"]), read(row[key])) for row in rows)
        for name, rows in table.items()
    }
