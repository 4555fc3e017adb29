"""The first host: the servers, and every process of a system that decides no order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up import programs
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.programs import MarketChoice, Stages
from angel_x.entrypoints.up.system import System, SystemPlan, run
from angel_x.rehearsal.session import isolated
from config.loading import load
from config.settings import PREFIX

#: These run on hosts of their own; nobody looks at the others here.
_ELSEWHERE = {"worker-orders", "worker-emergency", "flower", "metrics", "desk"}
_QUEUE = "100000"


def serve(home: Path, prepare: Callable[[Addresses], None], work: Callable[[System], None]) -> None:
    """Run the first host in a home, and do some work on it.

    ``prepare`` starts a host with workers once the servers run: without one no system is ready.
    """

    def chosen(addresses: Addresses, environ: Mapping[str, str], market: MarketChoice) -> Stages:
        prepare(addresses)
        return _programs(addresses, environ, market)

    variables = {**os.environ, f"{PREFIX}MAX_QUEUE_SIZE": _QUEUE}
    plan = isolated(load(variables, of_running=False), variables, home, MarketChoice())
    plan = SystemPlan(
        settings=msgspec.structs.replace(plan.settings, desk_enabled=False),
        environ=plan.environ,
        market=plan.market,
        programs=chosen,
    )

    async def working(system: System) -> None:
        await asyncio.to_thread(work, system)

    run(plan, Terminal(Console(quiet=True)), working)


def _programs(addresses: Addresses, environ: Mapping[str, str], market: MarketChoice) -> Stages:
    stages = programs.stages(addresses, environ, market)
    return tuple(tuple(p for p in stage if p.name not in _ELSEWHERE) for stage in stages)
