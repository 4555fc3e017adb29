"""The processes of the storm: the whole system, with two of every process that may run twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from angel_x.adapters.installation import python
from angel_x.entrypoints.supervisor import Program, ready_when_it_answers
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.programs import MarketChoice, Stages, api_address
from angel_x.rehearsal.chaos.environment import Passage, Role
from angel_x.rehearsal.chaos.passages import Passages

#: The names of the programs of each role.
ROLES: Mapping[Role, tuple[str, ...]] = {
    Role.API: ("api",),
    Role.ORDER_WORKER: ("worker-orders-1", "worker-orders-2"),
    Role.EMERGENCY_WORKER: ("worker-emergency",),
    Role.RELAY: ("relay-1", "relay-2"),
    Role.BEAT: ("beat-1", "beat-2"),
}
#: Workers that no new order waits for.
_CHORES = ("matching", "portfolio", "monitor", "greeks")
#: The text that a worker logs once it runs.
_READY = " ready."
_STOP_SECONDS = 10.0


def stages(
    addresses: Addresses,
    environ: Mapping[str, str],
    market: MarketChoice,
    *,
    passages: Passages,
) -> Stages:
    """Return the processes; those of orders reach their servers through proxies."""

    def program(name: str, *argv: str, says: str = "", answers: str = "", **extra: str) -> Program:
        return Program(
            name=name,
            argv=argv,
            environ={**environ, **extra},
            ready_words=says,
            answers=ready_when_it_answers(answers) if answers else None,
            stop_seconds=_STOP_SECONDS,
        )

    at_work = passages.environment(Passage.WORKERS_TO_DATABASE, Passage.WORKERS_TO_BROKER)
    at_the_door = passages.environment(Passage.API_TO_DATABASE, Passage.SENDERS_TO_BROKER)
    sending = passages.environment(Passage.SENDERS_TO_BROKER)
    workers = (
        *(
            program(name, *_worker("orders", name), says=_READY, **at_work)
            for name in ROLES[Role.ORDER_WORKER]
        ),
        *(
            program(name, *_worker("emergency", name), says=_READY, **at_work)
            for name in ROLES[Role.EMERGENCY_WORKER]
        ),
        *(program(f"worker-{kind}", *_command("worker", kind), says=_READY) for kind in _CHORES),
    )
    relays = (
        program(name, *_command("relay"), says="relay.started", **sending)
        for name in ROLES[Role.RELAY]
    )
    beats = (program(name, *_command("beat"), says="beat: Starting") for name in ROLES[Role.BEAT])
    feed = program("feed", *_command("feed", *market.arguments()), says="feed.started")
    api = replace(
        program(
            *ROLES[Role.API], *_command("api"), answers=f"{addresses.api_url}/livez", **at_the_door
        ),
        listens_at=api_address(environ),
    )
    return ((feed, *relays, *workers), (api, *beats))


def _command(name: str, *arguments: str) -> tuple[str, ...]:
    return python("angel_x.entrypoints.cli", name, *arguments)


def _worker(kind: str, name: str) -> tuple[str, ...]:
    return _command("worker", kind, "--name", name.removeprefix("worker-"))
