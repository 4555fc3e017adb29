"""The processes that go through the storm: the whole system, with two of whatever may be two."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from angel_x.entrypoints.chaos.ground import Passage, Role
from angel_x.entrypoints.chaos.passages import Passages
from angel_x.entrypoints.cli.processes import beat_command, worker_command
from angel_x.entrypoints.supervisor import Program, ready_when_it_answers
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.programs import MarketChoice, Stages
from config.queues import QueueName
from config.settings import Settings

#: The names of the programs of each role.
ROLES: Mapping[Role, tuple[str, ...]] = {
    Role.API: ("api",),
    Role.ORDER_WORKER: ("worker-orders-1", "worker-orders-2"),
    Role.EMERGENCY_WORKER: ("worker-emergency",),
    Role.RELAY: ("relay-1", "relay-2"),
    Role.BEAT: ("beat-1", "beat-2"),
}
#: What one worker does that no order waits for.
_CHORES = (QueueName.PORTFOLIO, QueueName.MONITOR, QueueName.GREEKS)
_STOP_SECONDS = 10.0


def stages(
    addresses: Addresses,
    environ: Mapping[str, str],
    market: MarketChoice,
    *,
    settings: Settings,
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

    def command(name: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "angel_x.entrypoints.cli", name, *arguments)

    at_work = passages.environment(Passage.WORKERS_TO_DATABASE, Passage.WORKERS_TO_BROKER)
    at_the_door = passages.environment(Passage.API_TO_DATABASE, Passage.SENDERS_TO_BROKER)
    sending = passages.environment(Passage.SENDERS_TO_BROKER)
    workers = (
        *(
            program(name, *_worker("orders", number, settings), says=" ready.", **at_work)
            for number, name in enumerate(ROLES[Role.ORDER_WORKER], 1)
        ),
        program(
            *ROLES[Role.EMERGENCY_WORKER],
            *_worker("emergency", 1, settings),
            says=" ready.",
            **at_work,
        ),
        program("worker-chores", *_chores(settings), says=" ready."),
    )
    relays = (
        program(name, *command("relay"), says="relay.started", **sending)
        for name in ROLES[Role.RELAY]
    )
    beats = (program(name, *beat_command(), says="beat: Starting") for name in ROLES[Role.BEAT])
    feed = program("feed", *command("feed", *market.arguments()), says="feed.started")
    api = program(
        *ROLES[Role.API], *command("api"), answers=f"{addresses.api_url}/livez", **at_the_door
    )
    return ((feed, *relays, *workers), (api, *beats))


def _worker(kind: str, number: int, settings: Settings) -> list[str]:
    """Return the command of a worker, named apart from others of its kind."""
    return [
        part.replace(f"{kind}@", f"{kind}-{number}@") for part in worker_command(kind, settings)
    ]


def _chores(settings: Settings) -> list[str]:
    """Return the command of one worker that reads the queues of three."""
    monitor = worker_command("monitor", settings)
    own = ",".join(queue.value for queue in _CHORES)
    return [own if part == QueueName.MONITOR.value else part for part in monitor]
