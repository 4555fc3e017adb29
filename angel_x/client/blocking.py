"""The blocking client: every call of the API as a method."""

from __future__ import annotations

from angel_x.client.account import AccountCalls
from angel_x.client.alerts import AlertCalls
from angel_x.client.baskets import BasketCalls
from angel_x.client.controls import ControlCalls
from angel_x.client.limits import LimitCalls
from angel_x.client.market import MarketCalls
from angel_x.client.operations import OperationCalls
from angel_x.client.orders import OrderCalls
from angel_x.client.strategies import StrategyCalls
from angel_x.client.stream import StreamCalls


class Client(
    OrderCalls,
    BasketCalls,
    ControlCalls,
    AccountCalls,
    LimitCalls,
    MarketCalls,
    StrategyCalls,
    StreamCalls,
    OperationCalls,
    AlertCalls,
):
    """One account's view of a running system.  Threads may share it."""
