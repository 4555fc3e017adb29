"""The calls of SmartAPI: their paths, and how many requests of each are allowed.

Source: the published table of rate limits, 2026; https://smartapi.angelone.in/docs/RateLimit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from angel_x.domain.exchange.request_budget import Windows, windows_of

_SECURE = "/rest/secure/angelbroking"


class Rate(StrEnum):
    """Requests that are counted together, for each client code."""

    LOGIN = "login"
    RENEWAL = "renewal"
    LOGOUT = "logout"
    PROFILE = "profile"
    FUNDS = "funds"
    ORDERS = "orders"
    """Place, modify and cancel, all three together."""
    ORDER_BOOK = "order_book"
    DETAILS = "details"
    TRADE_BOOK = "trade_book"
    POSITIONS = "positions"
    SEARCH = "search"
    QUOTE = "quote"
    MARGIN = "margin"
    CONVERSION = "conversion"
    CANDLES = "candles"
    GREEKS = "greeks"


#: The limits of each.
RATES: dict[Rate, Windows] = {
    Rate.LOGIN: windows_of(1),
    Rate.RENEWAL: windows_of(1, 0, 1000),
    Rate.LOGOUT: windows_of(1),
    Rate.PROFILE: windows_of(3, 0, 1000),
    Rate.FUNDS: windows_of(2),
    Rate.ORDERS: windows_of(9, 500, 1000),
    Rate.ORDER_BOOK: windows_of(1),
    Rate.DETAILS: windows_of(10, 500, 5000),
    Rate.TRADE_BOOK: windows_of(1),
    Rate.POSITIONS: windows_of(1),
    Rate.SEARCH: windows_of(1),
    Rate.QUOTE: windows_of(10, 500, 5000),
    Rate.MARGIN: windows_of(10, 500, 5000),
    Rate.CONVERSION: windows_of(10, 500, 5000),
    Rate.CANDLES: windows_of(3, 180, 5000),
    Rate.GREEKS: windows_of(1),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API."""

    method: str
    path: str
    rate: Rate
    #: Whether it changes nothing, so that it may be repeated after a failure.
    is_read: bool = field(default=True, kw_only=True)


LOGIN = Call("POST", "/rest/auth/angelbroking/user/v1/loginByPassword", Rate.LOGIN, is_read=False)
RENEWAL = Call("POST", "/rest/auth/angelbroking/jwt/v1/generateTokens", Rate.RENEWAL, is_read=False)
LOGOUT = Call("POST", f"{_SECURE}/user/v1/logout", Rate.LOGOUT, is_read=False)
PROFILE = Call("GET", f"{_SECURE}/user/v1/getProfile", Rate.PROFILE)
FUNDS = Call("GET", f"{_SECURE}/user/v1/getRMS", Rate.FUNDS)
PLACE = Call("POST", f"{_SECURE}/order/v1/placeOrder", Rate.ORDERS, is_read=False)
MODIFY = Call("POST", f"{_SECURE}/order/v1/modifyOrder", Rate.ORDERS, is_read=False)
CANCEL = Call("POST", f"{_SECURE}/order/v1/cancelOrder", Rate.ORDERS, is_read=False)
ORDER_BOOK = Call("GET", f"{_SECURE}/order/v1/getOrderBook", Rate.ORDER_BOOK)
DETAILS = Call("GET", f"{_SECURE}/order/v1/details/", Rate.DETAILS)
TRADE_BOOK = Call("GET", f"{_SECURE}/order/v1/getTradeBook", Rate.TRADE_BOOK)
POSITIONS = Call("GET", f"{_SECURE}/order/v1/getPosition", Rate.POSITIONS)
MARGIN = Call("POST", f"{_SECURE}/margin/v1/batch", Rate.MARGIN)
SEARCH = Call("POST", f"{_SECURE}/order/v1/searchScrip", Rate.SEARCH)
