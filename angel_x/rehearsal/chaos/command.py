"""A storm in a home of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console

from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.programs import MarketChoice, Stages
from angel_x.rehearsal.chaos import programs
from angel_x.rehearsal.chaos.options import ChaosOptions
from angel_x.rehearsal.chaos.passages import Passages, open_passages
from angel_x.rehearsal.chaos.report import ChaosReport
from angel_x.rehearsal.chaos.run import ChaosRun
from angel_x.rehearsal.chaos.stormy_load import ChaosSetup
from angel_x.rehearsal.session import CheckedReport, Rehearsal, Running, isolated
from config.settings import PREFIX, Settings

#: Shorter than usual, so that a run shows that an answer comes in time, and that a worker which is
#: stopped past its lease has lost it.
_SHORTER = {"API_RESPONSE_TIMEOUT": 10.0, "ORDER_LEASE_SECONDS": 3.0}
_Report = TypeVar("_Report", bound=CheckedReport)
#: The servers, the feed, the workers that no order waits for, and the programs with a role.
_PARTS = 5 + sum(map(len, programs.ROLES.values()))


def storm(
    settings: Settings,
    environ: Mapping[str, str],
    options: ChaosOptions,
    console: Console,
    tell: Callable[[ChaosReport], None],
) -> bool:
    """Run the storm, print its report, and return whether every rule holds.

    The errors are those of :meth:`Rehearsal.run`.
    """
    shorter = {name.lower(): seconds for name, seconds in _SHORTER.items()}
    variables = {PREFIX + name: f"{seconds:g}" for name, seconds in _SHORTER.items()}
    return rehearsed(
        msgspec.structs.replace(settings, **shorter),
        {**environ, **variables},
        options,
        MarketChoice(seed=options.seed),
        console,
        perform=lambda running, passages: ChaosRun(ChaosSetup(running, passages, options)).report(),
        tell=tell,
    )


def rehearsed(
    settings: Settings,
    environ: Mapping[str, str],
    options: ChaosOptions,
    market: MarketChoice,
    console: Console,
    *,
    perform: Callable[[Running, Passages], _Report],
    tell: Callable[[_Report], None],
) -> bool:
    """Run a system whose connections pass proxies, perform a storm, and return whether every rule holds.

    The errors are those of :meth:`Rehearsal.run`.
    """
    with ExitStack() as stack:
        # Short: the path of a socket may not be long.
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="angel-x-chaos-")))
        opened: list[Passages] = []

        def choose(
            addresses: Addresses, variables: Mapping[str, str], market: MarketChoice
        ) -> Stages:
            database, broker = addresses.database_url, addresses.broker_redis_url
            opened.append(open_passages(database, broker, sockets, stack))
            return programs.stages(addresses, variables, market, passages=opened[0])

        plan = isolated(settings, environ, settings.home_path / "chaos", market)
        return (
            Rehearsal(
                plan=replace(plan, programs=choose),
                console=console,
                terminal=Terminal(Console(quiet=True)),
                parts=_PARTS,
                perform=lambda running: perform(running, opened[0]),
                tell=tell,
                keeps_home=options.keeps_home,
            )
            .run()
            .holds
        )
