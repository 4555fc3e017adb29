"""The check of every worker after a storm: each alone takes a message and decides its order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from angel_x.domain.orders.order import Priority
from angel_x.rehearsal.chaos.environment import Environment, Role, Unverified
from angel_x.rehearsal.orders import Instrument, Request
from angel_x.rehearsal.process_tree import ProcessTree
from angel_x.rehearsal.trader import Trader, TraderSetup

#: Seconds; a message may go to a worker that is stopped, and is then sent again.
_PATIENCE = 30.0
#: Seconds in which a worker must stop.
_STILLNESS = 5.0


def unresponsive_workers(
    environment: Environment,
    setup: TraderSetup,
    instrument: Instrument,
    undecided: Callable[[], int],
) -> list[str]:
    """Return the workers that decide no order while all others are stopped.

    ``undecided`` returns the number of orders that wait for their decision.
    """
    trader, unresponsive = Trader(setup), []
    for role, priority in (
        (Role.ORDER_WORKER, Priority.NORMAL),
        (Role.EMERGENCY_WORKER, Priority.EMERGENCY),
    ):
        for name in environment.roles.get(role, ()):
            with _others_stopped(environment, name):
                trader.trade([_request(f"{setup.user}-{name}", instrument, priority)])
                if not environment.within(_PATIENCE, lambda: undecided() == 0):
                    unresponsive.append(name)
    return unresponsive


@contextmanager
def _others_stopped(environment: Environment, name: str) -> Iterator[None]:
    workers = (Role.ORDER_WORKER, Role.EMERGENCY_WORKER)
    names: Sequence[str] = [
        n for role in workers for n in environment.roles.get(role, ()) if n != name
    ]
    others = [ProcessTree(environment.pid(other)) for other in names]
    for other in others:
        other.signal(signal.SIGSTOP)
    try:
        if not environment.within(_STILLNESS, lambda: all(other.are_stopped() for other in others)):
            raise Unverified(f"the other workers than {name} do not stop")
        yield
    finally:
        for other in others:
            other.signal(signal.SIGCONT)


def _request(client_order_id: str, instrument: Instrument, priority: Priority) -> Request:
    order: dict[str, object] = {
        "client_order_id": client_order_id,
        "symbol": instrument.symbol,
        "side": "BUY",
        "quantity": instrument.lot_size,
        "order_type": "MARKET",
        "priority": priority.value,
    }
    return Request(orders=[order])
