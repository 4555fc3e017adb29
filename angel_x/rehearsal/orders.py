"""The orders of a rehearsal: made from contracts and a seed, the same for the same two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from angel_x.client import OrderFields
from angel_x.domain.orders.order import OrderType, Priority, Side, Validity

#: Weights of the priorities.
_PRIORITIES = {Priority.EMERGENCY: 2, Priority.HIGH: 18, Priority.NORMAL: 60, Priority.LOW: 20}
_MOST_LOTS = 3
_SHARE_OF_MARKET_ORDERS = 0.55


@dataclass(frozen=True, slots=True)
class Instrument:
    """A contract that is traded, with a price near which it trades."""

    symbol: str
    lot_size: int
    tick_size: Decimal
    mark_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Orders that are sent together."""

    orders: Sequence[OrderFields]
    #: Sent once more, as after a lost answer.
    is_repeated: bool = False
    #: Seconds after the start of the load.
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The sizes of requests, and how they are spread over time."""

    #: Weights of the numbers of orders in a request.
    sizes: Mapping[int, int]
    share_of_repeats: float
    #: Seconds over which requests are spread; at zero each follows the answer to the one before.
    seconds: float = 0.0


def make_requests(
    name: str, instruments: Sequence[Instrument], count: int, random: Random, mix: Mix
) -> Iterator[Request]:
    """Yield requests of one account that hold ``count`` orders together."""
    number = 0
    while number < count:
        (wanted,) = random.choices(list(mix.sizes), weights=list(mix.sizes.values()))
        size = min(count - number, wanted)
        orders = [
            make_order(f"{name}-{number + i:06d}", random.choice(instruments), random)
            for i in range(size)
        ]
        is_repeated = random.random() < mix.share_of_repeats
        at = mix.seconds * number / count
        yield Request(orders=orders, is_repeated=is_repeated, at=at)
        number += size


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
    if random.random() < _SHARE_OF_MARKET_ORDERS:
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
