"""The load that runs through the storm: who sends what, and when; the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from angel_x.rehearsal.orders import Instrument, make_order
from angel_x.rehearsal.trader import Desk, Errand, Trader

_BATCH_SIZES = (1, 1, 1, 2, 5, 10, 20, 50)
_SHARE_OF_REPEATS = 0.1


def errands(
    user: str, instruments: Sequence[Instrument], count: int, seconds: float, random: Random
) -> list[Errand]:
    """Spread orders over some seconds, single ones and batches."""
    made: list[Errand] = []
    number = 0
    while number < count:
        size = min(count - number, random.choice(_BATCH_SIZES))
        orders = [
            make_order(f"{user}-{number + i:06d}", random.choice(instruments), random)
            for i in range(size)
        ]
        is_repeated = random.random() < _SHARE_OF_REPEATS
        made.append(Errand(seconds * number / count, orders, is_repeated))
        number += size
    return made


def run(desks: Sequence[Desk], plan: Callable[[Desk], Sequence[Errand]]) -> None:
    """Let every client run its errands at the same time, and return when all are done."""
    with ThreadPoolExecutor(len(desks), thread_name_prefix="trader") as pool:
        for done in [pool.submit(Trader(desk).run, plan(desk)) for desk in desks]:
            done.result()
