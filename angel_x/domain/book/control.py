"""Controls: who has set which trading state for what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.book.account import Exposure
from angel_x.domain.book.risk import TradingState, may_stand
from angel_x.domain.orders.order import OrderStatus, Priority, Product, Side


class ControlScope(StrEnum):
    """What a trading state holds for."""

    SYSTEM = "system"
    USER = "user"
    UNDERLYING = "underlying"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A trading state that was set."""

    scope: ControlScope
    #: An account or an underlying; empty for the system.  The store has the account's id, answers its
    #: name.
    name: str
    state: TradingState
    actor: str
    reason: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlList:
    """The trading states that were set, whatever they are now."""

    #: The stricter one of the system's and the account's own.
    state: TradingState
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlReceipt(Control):
    """The answer to a change of a trading state.

    ``settled`` says that no order is being decided any more under the state before; otherwise a
    transaction that began earlier was still open when the answer was given.
    """

    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlledOrder:
    """An open order that a trading state concerns, read without a lock."""

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
        """Say whether the state lets it stand."""
        return may_stand(self, self.exposure, self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSelection:
    """Which orders and positions of an account are meant; None takes all."""

    symbol: str | None = None
    underlying: str | None = None
    product: Product | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationRecord:
    """What became of one order that was to be canceled: the race is decided, and this is how."""

    order_id: str
    client_order_id: str
    symbol: str
    status: OrderStatus
    filled_quantity: int
    #: False where it was closed before it could be canceled.
    canceled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationList:
    """What became of every order that was open, in the order of their acceptance."""

    orders: tuple[CancellationRecord, ...]
