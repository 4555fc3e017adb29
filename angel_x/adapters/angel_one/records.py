"""Records of the broker, made of answers in which numbers may be text and text may be numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import msgspec

from angel_x.domain.orders.order import is_tag
from angel_x.errors import BrokerUnavailable

#: One record of an answer.
Fields = Mapping[str, Any]


def listed(data: object) -> list[Fields]:
    """Return the records of a list; null, an empty text and an empty object are an empty list."""
    if not data:
        return []
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BrokerUnavailable(f"the answer must be a list of records, was {type(data).__name__}")
    return data


def fields(data: object) -> Fields:
    """Return one record; a list of one record stands for it."""
    found = data[0] if isinstance(data, list) and len(data) == 1 else data
    if not isinstance(found, dict):
        raise BrokerUnavailable(f"the answer must be a record, was {type(data).__name__}")
    return found


def text(row: Fields, name: str) -> str:
    """Return a field as text, empty where it is missing or null."""
    value = row.get(name)
    return "" if value is None else str(value).strip()


def amount(row: Fields, name: str) -> Decimal:
    """Return a field as a number, zero where it is missing, null or empty.

    Raises:
        BrokerUnavailable: It is no finite number.
    """
    written = text(row, name).replace(",", "")
    try:
        number = Decimal(written or 0)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BrokerUnavailable(f"{name} must be a number, was {written!r}")
    return number


def units(row: Fields, name: str) -> int:
    """Return a field as a whole number."""
    number = amount(row, name)
    if number != number.to_integral_value():
        raise BrokerUnavailable(f"{name} must be a whole number, was {number}")
    return int(number)


def names(row: Fields, name: str) -> tuple[str, ...]:
    """Return a list of names, which may come as JSON in a text."""
    value = row.get(name)
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            value = value.split(",")
    return tuple(str(each).strip() for each in value or () if str(each).strip())


@dataclass(frozen=True, slots=True)
class Profile:
    """The client that is logged in."""

    client_code: str
    name: str
    exchanges: tuple[str, ...]
    products: tuple[str, ...]

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read a profile."""
        return cls(
            text(row, "clientcode"),
            text(row, "name"),
            names(row, "exchanges"),
            names(row, "products"),
        )


@dataclass(frozen=True, slots=True)
class Funds:
    """The money of the client, in rupees."""

    net: Decimal
    available_cash: Decimal
    collateral: Decimal
    utilised_span: Decimal
    utilised_exposure: Decimal
    utilised_premium: Decimal
    unrealised: Decimal
    realised: Decimal

    @property
    def margin(self) -> Decimal:
        """Return the margin that the broker has blocked."""
        return self.utilised_span + self.utilised_exposure

    @property
    def cash(self) -> Decimal:
        """Return the cash before margin: the net amount is after margin, and counts collateral."""
        return self.net + self.margin - self.collateral

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read the answer of the risk management system."""
        return cls(
            net=amount(row, "net"),
            available_cash=amount(row, "availablecash"),
            collateral=amount(row, "collateral"),
            utilised_span=amount(row, "utilisedspan"),
            utilised_exposure=amount(row, "utilisedexposure"),
            utilised_premium=amount(row, "utilisedoptionpremium"),
            unrealised=amount(row, "m2munrealized"),
            realised=amount(row, "m2mrealized"),
        )


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin of a batch of positions, in rupees."""

    total: Decimal
    net_premium: Decimal

    @property
    def blocked(self) -> Decimal:
        """Return the margin that stays blocked: premium is paid or received once."""
        return self.total - self.net_premium

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read the answer of the margin calculator."""
        parts = row.get("marginComponents")
        return cls(
            amount(row, "totalMarginRequired"),
            amount(parts, "netPremium") if isinstance(parts, dict) else Decimal(0),
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """The acceptance of a request about an order.  Accepted is not executed."""

    order_id: str
    unique_id: str

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read an acceptance.

        Raises:
            BrokerUnavailable: It names no order.
        """
        found = cls(text(row, "orderid"), text(row, "uniqueorderid"))
        if not found.order_id:
            raise BrokerUnavailable("the answer to a request about an order names no order")
        return found


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order in the order book, in an answer about one order, or in an order update."""

    order_id: str
    unique_id: str
    tag: str
    variety: str
    order_type: str
    trading_symbol: str
    symbol_token: str
    product: str
    side: str
    quantity: int
    filled: int
    #: Rupees; zero where the order has none.
    price: Decimal
    trigger_price: Decimal
    average_price: Decimal
    status: str
    #: Why it was rejected.
    text: str

    @property
    def is_foreign(self) -> bool:
        """Return whether it was placed by hand or by another program: its tag is not one of ours."""
        return not is_tag(self.tag)

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read an order."""
        return cls(
            order_id=text(row, "orderid"),
            unique_id=text(row, "uniqueorderid"),
            tag=text(row, "ordertag"),
            variety=text(row, "variety").upper(),
            order_type=text(row, "ordertype").upper(),
            trading_symbol=text(row, "tradingsymbol"),
            symbol_token=text(row, "symboltoken"),
            product=text(row, "producttype").upper(),
            side=text(row, "transactiontype").upper(),
            quantity=units(row, "quantity"),
            filled=units(row, "filledshares"),
            price=amount(row, "price"),
            trigger_price=amount(row, "triggerprice"),
            average_price=amount(row, "averageprice"),
            status=(text(row, "status") or text(row, "orderstatus")).lower(),
            text=text(row, "text"),
        )


@dataclass(frozen=True, slots=True)
class BookTrade:
    """An execution in the trade book."""

    order_id: str
    fill_id: str
    quantity: int
    #: Rupees a unit.
    price: Decimal
    #: The time of day, as the broker writes it.
    time: str

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read an execution."""
        return cls(
            text(row, "orderid"),
            text(row, "fillid"),
            units(row, "fillsize"),
            amount(row, "fillprice"),
            text(row, "filltime"),
        )


@dataclass(frozen=True, slots=True)
class BookPosition:
    """A position at the broker."""

    exchange: str
    trading_symbol: str
    symbol_token: str
    product: str
    #: Units, negative where it is short.
    quantity: int

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read a position."""
        return cls(
            text(row, "exchange").upper(),
            text(row, "tradingsymbol"),
            text(row, "symboltoken"),
            text(row, "producttype"),
            units(row, "netqty"),
        )


@dataclass(frozen=True, slots=True)
class Scrip:
    """A contract as the broker names it."""

    exchange: str
    trading_symbol: str
    symbol_token: str

    @classmethod
    def of(cls, row: Fields) -> Self:
        """Read one result of a search."""
        return cls(text(row, "exchange"), text(row, "tradingsymbol"), text(row, "symboltoken"))
