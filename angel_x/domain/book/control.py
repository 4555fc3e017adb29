"""Trading states that are set, with actor and reason, and the records of cancellations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.risk import TradingState, may_stand
from angel_x.domain.orders.order import OrderStatus, Priority, Product, Side


class ControlScope(StrEnum):
    """The scope of a trading state."""

    SYSTEM = "system"
    USER = "user"
    UNDERLYING = "underlying"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A stored trading state."""

    scope: ControlScope
    #: An account or an underlying; empty for the system.  Stored is the account's id, shown its name.
    name: str
    state: TradingState
    actor: str
    reason: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlList:
    """Stored trading states, including active ones."""

    #: The stricter one of the states of the system and the account.
    state: TradingState
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlReceipt(Control):
    """The answer to a change of a trading state.

    ``settled`` means that no order is decided under the former state any more; otherwise a
    transaction that began earlier was still open when the answer was given.
    """

    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlledOrder:
    """An open order in the scope of a trading state, read without a lock."""

    id: int
    side: Side
    leaves_quantity: int
    priority: Priority
    status: OrderStatus
    is_exit: bool
    #: The strictest state that holds for its account and its underlying.
    state: TradingState
    #: Of its account in its contract.
    exposure: Exposure

    @property
    def may_stand(self) -> bool:
        """Return whether the trading state allows it to stay open."""
        return may_stand(self, self.exposure, self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSelection:
    """A selection of orders and positions of an account; a field that is None takes all."""

    symbol: str | None = None
    underlying: str | None = None
    product: Product | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationRecord:
    """The outcome of the cancellation of one order."""

    order_id: str
    client_order_id: str
    symbol: str
    status: OrderStatus
    filled_quantity: int
    #: False where it closed before it could be canceled.
    canceled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationList:
    """The outcomes of all open orders, in the order of their acceptance."""

    orders: tuple[CancellationRecord, ...]
