"""The orders of the demonstration: made from the chain and a seed, the same for the same two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from angel_x.client import OrderFields
from angel_x.domain.orders.order import OrderType, Priority, Side, Validity

#: How often each priority comes up.
_PRIORITIES = {Priority.EMERGENCY: 2, Priority.HIGH: 18, Priority.NORMAL: 60, Priority.LOW: 20}
_BATCH_SIZES = (2, 5, 10, 20, 50)
_MOST_LOTS = 3
_SHARE_OF_SINGLES = 0.2
_SHARE_OF_REPEATS = 0.05


@dataclass(frozen=True, slots=True)
class Instrument:
    """A contract that is traded, with a price near which it trades."""

    symbol: str
    lot_size: int
    tick_size: Decimal
    mark_price: Decimal


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a trader."""

    orders: tuple[OrderFields, ...]
    #: Sent once more, as after a lost answer.
    is_repeated: bool


def make_calls(
    name: str, instruments: Sequence[Instrument], count: int, random: Random
) -> Iterator[Call]:
    """Yield calls that hold ``count`` orders together, single ones and batches."""
    singles = round(count * _SHARE_OF_SINGLES)
    sizes = [1] * singles
    while (left := count - sum(sizes)) > 0:
        sizes.append(min(left, random.choice(_BATCH_SIZES)))
    random.shuffle(sizes)
    number = 0
    for size in sizes:
        orders = tuple(
            make_order(f"{name}-{number + i:06d}", random.choice(instruments), random)
            for i in range(size)
        )
        number += size
        yield Call(orders, is_repeated=random.random() < _SHARE_OF_REPEATS)


def make_order(client_order_id: str, instrument: Instrument, random: Random) -> OrderFields:
    """Return one valid order."""
    side = random.choice(list(Side))
    (priority,) = random.choices(list(_PRIORITIES), weights=list(_PRIORITIES.values()))
    order: dict[str, object] = {
        "client_order_id": client_order_id,
        "symbol": instrument.symbol,
        "side": side.value,
        "quantity": instrument.lot_size * random.randint(1, _MOST_LOTS),
        "priority": priority.value,
        "tag": "demo",
    }
    if random.random() < 0.55:  # noqa: PLR2004 - a little more than half of the orders
        return {**order, "order_type": OrderType.MARKET.value}
    return {
        **order,
        "order_type": OrderType.LIMIT.value,
        "price": str(_limit(instrument, side, random)),
        "validity": random.choice(list(Validity)).value,
    }


def _limit(instrument: Instrument, side: Side, random: Random) -> Decimal:
    """Return a limit that trades at once about half of the time, and otherwise rests."""
    eagerness = Decimal(random.choice(("0.05", "0.02", "-0.03", "-0.10"))) * side.sign
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    ticks = (instrument.mark_price * (1 + eagerness) / instrument.tick_size).quantize(
        Decimal(1), rounding
    )
    return max(ticks, Decimal(1)) * instrument.tick_size
