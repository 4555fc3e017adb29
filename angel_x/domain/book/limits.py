"""Risk limits of accounts, their bounds, and the stricter of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from angel_x.domain.book.portfolio_stop import PortfolioStop, StopLevels
from angel_x.domain.values.written_number import written_decimal
from angel_x.errors import InvalidInput


class LimitKind(StrEnum):
    """The kinds of limits.  A value is the name of a field of :class:`Limits`."""

    MAX_ORDER_QUANTITY = "max_order_quantity"
    """The most units of one order."""

    MAX_ORDER_NOTIONAL = "max_order_notional"
    """The most rupees of premium of one order."""

    MAX_OPEN_ORDERS = "max_open_orders"
    """The most open orders of an account; more are denied."""

    MAX_ORDERS_PER_SECOND = "max_orders_per_second"
    """The most orders accepted within any second; the global limit holds for all accounts together."""

    MAX_DAILY_LOSS = "max_daily_loss"
    """Rupees of loss in a day, open losses and charges included, from which an account may only close positions."""

    FAT_FINGER_PERCENT = "fat_finger_percent"
    """The most percent of the last price by which a limit price may be worse than the last price."""

    DUPLICATE_WINDOW_SECONDS = "duplicate_window_seconds"
    """Seconds in which an account must not repeat contract, side, quantity and prices of an order."""

    MAX_WAIT_HOURS = "max_wait_hours"
    """The most hours for which an order waits for the next opening; at 0 it is denied outside sessions."""

    TRIGGER_AT_ONCE = "trigger_at_once"
    """1 lets a stop whose trigger has passed trade at once; at 0, and without a value, it is denied."""

    STOP_LOSS = "stop_loss"
    """Rupees of loss of the whole account, charges included, since the limit was set, at which it may only reduce."""

    TAKE_PROFIT = "take_profit"
    """Rupees of profit of the whole account since the limit was set, at which it may only reduce."""

    TRAILING_STOP = "trailing_stop"
    """Rupees below the largest profit since the limit was set, at which the account may only reduce."""

    STOP_SQUARE_OFF = "stop_square_off"
    """1 squares the account off when one of its stops is reached; at 0, and without a value, it is not."""


_LARGER_IS_STRICTER = frozenset({LimitKind.DUPLICATE_WINDOW_SECONDS, LimitKind.STOP_SQUARE_OFF})


@dataclass(frozen=True, slots=True)
class Limits:
    """One value for each kind, None where there is no limit."""

    max_order_quantity: int | None = None
    max_order_notional: Decimal | None = None
    max_open_orders: int | None = None
    max_orders_per_second: int | None = None
    max_daily_loss: Decimal | None = None
    fat_finger_percent: Decimal | None = None
    duplicate_window_seconds: Decimal | None = None
    max_wait_hours: Decimal | None = None
    trigger_at_once: int | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing_stop: Decimal | None = None
    stop_square_off: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Decimal | str]) -> Limits:
        """Return limits from values by kind; unknown kinds, of later releases, are left out."""
        known: dict[str, Any] = {
            kind.value: _exact(kind, Decimal(values[kind])) for kind in LimitKind if kind in values
        }
        return cls(**known) if known else NO_LIMITS

    def stricter(self, other: Limits) -> Limits:
        """Return the stricter value of each kind."""
        if other is NO_LIMITS:
            return self
        return Limits(**{kind.value: self._stricter_of(kind, other) for kind in LimitKind})

    @property
    def stop_levels(self) -> StopLevels:
        """The levels of the stops of the whole account."""
        return StopLevels(loss=self.stop_loss, trailing=self.trailing_stop, profit=self.take_profit)

    def _stricter_of(self, kind: LimitKind, other: Limits) -> Any:  # noqa: ANN401 - int or Decimal
        values = [v for v in (getattr(self, kind), getattr(other, kind)) if v is not None]
        choose = max if kind in _LARGER_IS_STRICTER else min
        return choose(values, default=None)


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class LimitSheet:
    """The limits of one account, or the global ones where ``user_id`` and ``user`` are None."""

    user_id: int | None
    #: The name of the account.
    user: str | None
    #: The stored limits of the account, or the global ones.
    own: Limits
    #: The limits in force: of the own and the global ones the stricter.
    effective: Limits
    #: The stops of the account as they were last marked, None before they are armed.
    stop: PortfolioStop | None = None

    def values(self) -> dict[str, Decimal | int]:
        """Return the stored limits by kind."""
        return {kind: value for kind, value in asdict(self.own).items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Bounds:
    least: Decimal
    most: Decimal
    is_whole: bool = False


def _bounds(least: str, most: str, *, is_whole: bool = False) -> _Bounds:
    return _Bounds(Decimal(least), Decimal(most), is_whole)


# The window is short, because duplicates are searched in all orders of the account within it.
_BOUNDS: Mapping[LimitKind, _Bounds] = MappingProxyType(
    {
        LimitKind.MAX_ORDER_QUANTITY: _bounds("1", "1e9", is_whole=True),
        LimitKind.MAX_ORDER_NOTIONAL: _bounds("0.01", "1e12"),
        LimitKind.MAX_OPEN_ORDERS: _bounds("1", "1e9", is_whole=True),
        LimitKind.MAX_ORDERS_PER_SECOND: _bounds("1", "1e6", is_whole=True),
        LimitKind.MAX_DAILY_LOSS: _bounds("0", "1e12"),
        LimitKind.FAT_FINGER_PERCENT: _bounds("0", "1000"),
        LimitKind.DUPLICATE_WINDOW_SECONDS: _bounds("0.001", "60"),
        LimitKind.MAX_WAIT_HOURS: _bounds("0", "1000"),
        LimitKind.TRIGGER_AT_ONCE: _bounds("0", "1", is_whole=True),
        LimitKind.STOP_LOSS: _bounds("0.01", "1e12"),
        LimitKind.TAKE_PROFIT: _bounds("0.01", "1e12"),
        LimitKind.TRAILING_STOP: _bounds("0.01", "1e12"),
        LimitKind.STOP_SQUARE_OFF: _bounds("0", "1", is_whole=True),
    }
)
_PLACES = Decimal("0.001")
_SHOWN = 40

assert {field.name for field in fields(Limits)} == set(LimitKind)


def read_kind(name: object) -> LimitKind:
    """Return the kind of that name.

    Raises:
        InvalidInput: There is none.
    """
    if not isinstance(name, str) or name not in list(LimitKind):
        kinds = ", ".join(LimitKind)
        raise InvalidInput(
            f"a limit must be one of {kinds}, was {_shown(name)}", field="kind", value=_shown(name)
        )
    return LimitKind(name)


def read_limit(name: object, value: object) -> tuple[LimitKind, Decimal]:
    """Return the kind of that name and the value that it may have, from text or a number.

    Raises:
        InvalidInput: There is no such kind, or the value is out of its bounds.
    """
    kind = read_kind(name)
    bounds = _BOUNDS[kind]
    number = _number(value)
    # Compared only when finite: NaN compares with nothing.
    if (
        number is None
        or not bounds.least <= number <= bounds.most
        or (bounds.is_whole and number != int(number))
        or number != number.quantize(_PLACES)
    ):
        sort = "a whole number" if bounds.is_whole else "a number of at most 3 places"
        raise InvalidInput(
            f"{kind} must be {sort} between {bounds.least:f} and {bounds.most:f}, was {_shown(value)}",
            field=kind,
            value=_shown(value),
        )
    return kind, number


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = written_decimal(str(value))
    except ValueError:
        return None
    return number if number.is_finite() else None


def _exact(kind: LimitKind, value: Decimal) -> int | Decimal:
    return int(value) if _BOUNDS[kind].is_whole else value


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
