"""The processes of the system, in the order of their start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from angel_x.adapters.heartbeat import heartbeat_file, tick_file
from angel_x.adapters.installation import is_desk_installed, python
from angel_x.entrypoints.supervisor import Program, ready_when_it_answers
from angel_x.entrypoints.up.addresses import Addresses
from config.celery_options import TIME_LIMIT
from config.loading import load
from config.settings import PREFIX
from config.worker_processes import worker_classes

#: The text that Celery's worker and Beat log once they run.
_WORKER_READY = " ready."
#: No task runs longer, so a worker that still has not ended has nothing left to lose.
_WORKER_STOP_SECONDS = TIME_LIMIT + 5.0
_BEAT_READY = "beat: Starting"
#: A stage is ready before the next one starts, and stops when the next one has stopped.
Stages = tuple[tuple[Program, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketChoice:
    """The market: a recorded chain, that of the broker by its scrip master, or a simulated one."""

    chain: Path | None = None
    master: Path | None = None
    seed: int = 1
    speed: float = 1.0
    #: One day of the recorded chain, replayed once; None for all of it, repeatedly.
    day: date | None = None

    @property
    def title(self) -> str:
        """The market and its hours, for people."""
        if self.master is not None:
            return "Angel One's quotes, in the hours of the exchange"
        if self.chain is None:
            return "simulated, trades around the clock"
        return f"replay of {self.chain.name}, in the hours of the exchange"

    @property
    def listed(self) -> Path | None:
        """The file of the contracts to list; None for generated ones."""
        return self.chain or self.master

    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of ``angel-x feed``."""
        if self.master is not None:
            return ("--source", "angel-one", "--master", str(self.master.absolute()))
        pace = ("--speed", f"{self.speed:g}")
        if self.chain is None:
            return ("--source", "simulator", "--seed", str(self.seed), *pace)
        # A recording starts again at its end, else its contracts would have no quotes any more.
        play = ("--loop",) if self.day is None else ("--day", self.day.isoformat())
        return ("--source", "replay", "--chain", str(self.chain.absolute()), *play, *pace)


def api_address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port of the API from the environment of the system's processes."""
    return environ[f"{PREFIX}API_HOST"], int(environ[f"{PREFIX}API_PORT"])


def stages(addresses: Addresses, environ: Mapping[str, str], market: MarketChoice) -> Stages:
    """Return the processes by stage: first the workers, then those that send work or observe."""
    settings = load(environ)

    def command(name: str, *arguments: str) -> tuple[str, ...]:
        return python("angel_x.entrypoints.cli", name, *arguments)

    def worker(kind: str) -> Program:
        return Program(
            name=f"worker-{kind}",
            argv=command("worker", kind),
            environ=environ,
            ready_words=_WORKER_READY,
            heartbeat=heartbeat_file(settings.home, settings.node, kind),
            stop_seconds=_WORKER_STOP_SECONDS,
        )

    def program(
        name: str,
        *arguments: str,
        says: str = "",
        answers: str = "",
        listens_at: tuple[str, int] | None = None,
    ) -> Program:
        return Program(
            name=name,
            argv=command(name, *arguments),
            environ=environ,
            ready_words=says,
            answers=ready_when_it_answers(answers) if answers else None,
            listens_at=listens_at,
        )

    def desk() -> Program:
        return program("desk", answers=f"{addresses.desk_url}/livez")

    return (
        (
            program("feed", *market.arguments(), says="feed.started"),
            program("relay", says="relay.started"),
            *(worker(kind) for kind in worker_classes(settings)),
        ),
        (
            program("api", answers=f"{addresses.api_url}/livez", listens_at=api_address(environ)),
            replace(program("beat", says=_BEAT_READY), heartbeat=tick_file(settings.home)),
            program("flower", answers=f"{addresses.flower_url}/healthcheck"),
            program("metrics", answers=addresses.metrics_url),
            *([program("telegram", says="telegram.started")] if settings.telegram_token else ()),
            *([desk()] if settings.desk_enabled and is_desk_installed() else ()),
        ),
    )
