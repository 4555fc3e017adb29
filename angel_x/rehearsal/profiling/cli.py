"""The command ``angel-x profile``."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import InvalidInput
from angel_x.rehearsal.profiling import live_process
from angel_x.rehearsal.profiling.memory_profile import MemoryProfile, check_memray, profile_memory
from angel_x.rehearsal.profiling.time_profile import TimeProfile, profile_time
from angel_x.rehearsal.profiling.workload import greeks_work, order_work, prepared_application
from config.loading import RUN_FILE, load
from config.settings import Settings

_into = click.option(
    "--output",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("profiles"),
    show_default=True,
    help="Directory of the files.",
)
_orders = click.option(
    "--orders", type=click.IntRange(50, 1_000_000), default=2000, show_default=True
)
_contracts = click.option(
    "--contracts", type=click.IntRange(100, 100_000), default=5000, show_default=True
)
_passes = click.option("--passes", type=click.IntRange(1, 10_000), default=20, show_default=True)


@click.group()
def profile() -> None:
    """Show where the time and the memory of orders and Greeks go."""


@profile.command()
@_orders
@_into
@as_json
def orders(orders: int, directory: Path, *, as_json: bool) -> None:
    """Submit and decide orders under cProfile: the top 20 by cumulative time, and a flame graph.

    Servers of its own are started in a temporary home; nothing else is touched.
    """
    with prepared_application(_settings()) as application:
        work = order_work(application, orders)
        _say(f"{orders:,} orders are decided under the profiler")
        found = profile_time(work, "orders", directory)
    _tell_time(found, as_json=as_json)


@profile.command()
@_contracts
@_passes
@_into
@as_json
def greeks(contracts: int, passes: int, directory: Path, *, as_json: bool) -> None:
    """Price a universe under cProfile: the top 20 by cumulative time, and a flame graph."""
    with prepared_application(_settings()) as application:
        work = greeks_work(application, contracts, passes)
        _say(f"{contracts:,} contracts are priced {passes} times under the profiler")
        found = profile_time(work, "greeks", directory)
    _tell_time(found, as_json=as_json)


@profile.command()
@click.argument("work", type=click.Choice(["orders", "greeks"]), default="orders")
@_orders
@_contracts
@_passes
@_into
@as_json
def memory(
    work: str, orders: int, contracts: int, passes: int, directory: Path, *, as_json: bool
) -> None:
    """Do the same work under memray: memory by line, and a flame graph.

    It needs the extra `angel-x[profile]`.
    """
    check_memray()
    with prepared_application(_settings()) as application:
        prepared = (
            order_work(application, orders)
            if work == "orders"
            else greeks_work(application, contracts, passes)
        )
        _say(f"The {work} are done under the profiler")
        found = profile_memory(prepared, work, directory)
    _tell_memory(found, as_json=as_json)


@profile.command()
@click.argument("name", metavar="NAME|PID")
@click.option("--seconds", type=click.IntRange(1, 3600), default=10, show_default=True)
@_into
@as_json
def process(name: str, seconds: int, directory: Path, *, as_json: bool) -> None:
    """Sample a running process by py-spy, by its id or its name in `angel-x up`: a flame graph.

    It needs the extra `angel-x[profile]`.
    """
    pid = int(name) if name.isdecimal() else _pid_of(name)
    graph = directory / f"process-{name}.svg"
    live_process.sample(pid, seconds, graph)
    if as_json:
        print_json({"pid": pid, "seconds": seconds, "flame_graph": str(graph)})
    else:
        click.echo(f"{graph}: process {pid} for {seconds} s")


def _say(words: str) -> None:
    click.echo(words, err=True)


def _settings() -> Settings:
    settings = load(os.environ, of_running=False)
    configure_logging(quiet(settings), "profile")
    _say("Servers are started, contracts and quotes prepared")
    return settings


def _pid_of(name: str) -> int:
    """Return the id of a process of the system that runs in this home."""
    pids: dict[str, int] = {}
    with suppress(OSError, ValueError):
        file = load(os.environ).home_path / RUN_FILE
        pids = json.loads(file.read_bytes()).get("pids", {})
    if name not in pids:
        raise InvalidInput(f"name must be a process id or one of {sorted(pids)}, was {name}")
    return pids[name]


def _tell_time(found: TimeProfile, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    calls = [
        [call.function, f"{call.calls:,}", f"{call.own_ms:,.1f}", f"{call.cumulative_ms:,.1f}"]
        for call in found.calls
    ]
    title = f"{found.units:,} {found.work} in {found.seconds:.1f} s under the profiler"
    show(table(title, ["function", ">calls", ">own ms", ">cumulative ms"], calls))
    parts = [[share.part.value, f"{share.percent:.1f}", share.look_at] for share in found.shares]
    show(table("Where the time goes", ["part", ">%", "look at"], parts))
    show(f"Flame graph: {found.flame_graph}   Statistics: {found.statistics}")


def _tell_memory(found: MemoryProfile, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    lines = [[each.line, f"{each.megabytes:,.3f}", f"{each.allocations:,}"] for each in found.lines]
    title = f"{found.units:,} {found.work} held {found.peak_mb:.2f} MB at their peak"
    show(table(title, ["line", ">MB", ">allocations"], lines))
    show(f"Flame graph: {found.flame_graph}   Recording: {found.recording}")
