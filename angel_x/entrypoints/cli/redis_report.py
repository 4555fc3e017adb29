"""The commands ``angel-x redis``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

import click
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TimedOut

from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.server_report import ServerReport, read_report
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.presentation.byte_sizes import in_bytes
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import ServerUnavailable
from config.loading import load

_PATIENCE_SECONDS = 10.0
_WORST = 10


@click.group()
def redis() -> None:
    """The message broker and the cache."""


@redis.command()
@click.option(
    "--keys",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    help="Keys of each server to look at for the largest.",
)
@as_json
def report(keys: int, *, as_json: bool) -> None:
    """Show memory, largest keys, slow log, keyspace, latency and clients of each server.

    It runs beside the system: no command of it holds up a server.
    """
    reports = list(_reports(keys))
    if as_json:
        print_json({"servers": [asdict(each) for each in reports]})
        return
    for each in reports:
        _show(each)


def _reports(keys: int) -> Iterator[ServerReport]:
    settings = load(os.environ)
    for server in ("broker", "cache"):
        url = settings.needed(f"{server}_url")
        try:
            with closing(connect(url, socket_timeout=_PATIENCE_SECONDS)) as client:
                yield read_report(client, server, most_keys=keys, biggest=_WORST)
        except (Disconnected, TimedOut) as error:
            raise ServerUnavailable(f"the {server} does not answer: {error}") from error


def _show(each: ServerReport) -> None:
    show(table(f"{each.server}, version {each.version}", ["", ""], _figures(each)))
    keys = [[key.name, key.type, in_bytes(key.bytes)] for key in each.big_keys]
    show(table(f"Largest of {each.keys_looked_at:,} keys", ["key", "type", ">size"], keys))
    slow = [[c.command, f"{c.milliseconds:,.1f}"] for c in each.slow_commands]
    show(table("Slow log", ["command", ">ms"], slow))


def _figures(each: ServerReport) -> list[list[str]]:
    memory, clients, latency = each.memory, each.clients, each.latency
    maximum = in_bytes(memory.maximum) if memory.maximum else "no limit"
    return [
        [
            "memory",
            f"{in_bytes(memory.used)} of {maximum}, peak {in_bytes(memory.peak)}, {memory.policy}",
        ],
        ["fragmentation", f"{memory.fragmentation:.2f}"],
        [
            "keyspace",
            ", ".join(f"{k.database}: {k.keys:,} ({k.expiring:,} expire)" for k in each.keyspace)
            or "-",
        ],
        [
            "clients",
            f"{clients.connected:,}, {clients.blocked:,} blocked, {clients.rejected:,} refused since the start",
        ],
        ["latency", f"median {latency.median_ms:.2f} ms, worst {latency.worst_ms:.2f} ms"],
        [
            "delays noted",
            ", ".join(f"{name} {ms} ms" for name, ms in latency.events.items()) or "-",
        ],
        ["not permitted", ", ".join(each.refused) or "-"],
    ]
