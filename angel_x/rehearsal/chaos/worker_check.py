"""The roll call after a storm: each worker alone has to take a message and decide its order."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from angel_x.domain.orders.order import Priority
from angel_x.rehearsal.chaos.environment import Ground, Role, Unverified
from angel_x.rehearsal.chaos.process_tree import Family
from angel_x.rehearsal.orders import Instrument
from angel_x.rehearsal.trader import Desk, Errand, Trader

#: Seconds; a message may go to a worker that is stopped, and is then sent again.
_PATIENCE = 30.0
#: Seconds in which a worker must stop.
_STILLNESS = 5.0


class Undecided(Protocol):
    def undecided(self) -> int:
        """Return how many orders wait for their decision."""


def call_roll(ground: Ground, desk: Desk, instrument: Instrument, evidence: Undecided) -> list[str]:
    """Return the workers that do not answer while all others are stopped."""
    trader, deaf = Trader(desk), []
    for role, priority in (
        (Role.ORDER_WORKER, Priority.NORMAL),
        (Role.EMERGENCY_WORKER, Priority.EMERGENCY),
    ):
        for name in ground.roles.get(role, ()):
            with _others_stopped(ground, name):
                trader.run([_errand(f"{desk.user}-{name}", instrument, priority)])
                if not ground.within(_PATIENCE, lambda: evidence.undecided() == 0):
                    deaf.append(name)
    return deaf


@contextmanager
def _others_stopped(ground: Ground, name: str) -> Iterator[None]:
    workers = (Role.ORDER_WORKER, Role.EMERGENCY_WORKER)
    names: Sequence[str] = [n for role in workers for n in ground.roles.get(role, ()) if n != name]
    others = [Family(ground.pid(other)) for other in names]
    for other in others:
        other.signal(signal.SIGSTOP)
    try:
        if not ground.within(_STILLNESS, lambda: all(other.are_stopped() for other in others)):
            raise Unverified(f"others than {name} do not stop")
        yield
    finally:
        for other in others:
            other.signal(signal.SIGCONT)


def _errand(client_order_id: str, instrument: Instrument, priority: Priority) -> Errand:
    order: dict[str, object] = {
        "client_order_id": client_order_id,
        "symbol": instrument.symbol,
        "side": "BUY",
        "quantity": instrument.lot_size,
        "order_type": "MARKET",
        "priority": priority.value,
    }
    return Errand(0.0, [order], is_repeated=False)
