"""The commands that run one process of the system."""

from __future__ import annotations

import os
from contextlib import closing

import click
import structlog

from angel_x.adapters.installation import python
from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.numbers import Whole
from config.loading import load
from config.queues import WORKER_QUEUES
from config.settings import Settings
from config.worker_processes import worker_processes

log = structlog.get_logger()

#: The class of worker that keeps its CPU priority.
_UNNICED = "emergency"


def worker_command(kind: str, settings: Settings, name: str | None = None) -> list[str]:
    """Return the command line of one class of worker, which is named after it by default."""
    concurrency = worker_processes(kind, settings)
    queues = ",".join(queue.value for queue in WORKER_QUEUES[kind])
    return [
        *python("tasks", "--quiet", "worker"),
        *("-Q", queues, "-n", f"{name or kind}@%h", "--concurrency", str(concurrency)),
        # Gossip and mingle cost traffic, and nothing here uses their results.
        *("--without-gossip", "--without-mingle"),
    ]


def beat_command() -> list[str]:
    """Return the command line of Beat."""
    return list(python("beat_schedule", "--quiet", "beat"))


def start_own_metrics(settings: Settings) -> None:
    """Start the page of this process, where the settings name a port for it."""
    if settings.own_metrics_port:
        from angel_x.entrypoints import own_metrics  # noqa: PLC0415 - of pods only

        own_metrics.start(settings)


def _become(command: list[str]) -> None:
    """Replace this process by a program, which then gets the signals."""
    os.execv(command[0], command)  # noqa: S606 - our own program, no shell


@click.command()
@click.option("--fd", type=Whole(min=0), help="A listening socket that was inherited.")
def api(fd: int | None) -> None:
    """Serve the HTTP API."""
    from angel_x.entrypoints.api import server  # noqa: PLC0415 - needed by this process only

    settings = load(os.environ)
    start_own_metrics(settings)
    server.run(settings, fd)


@click.command()
@click.argument("kind", metavar="CLASS", type=click.Choice(list(WORKER_QUEUES)))
@click.option("--name", help="Name of the worker, unique among those of its class on a machine.")
def worker(kind: str, name: str | None) -> None:
    """Run the Celery worker of one CLASS."""
    settings = load(os.environ)
    settings.needed("broker_url")
    settings.needed("database_url")
    if kind != _UNNICED:
        os.nice(settings.bulk_niceness)
    start_own_metrics(settings)
    _become(worker_command(kind, settings, name))


@click.command()
def beat() -> None:
    """Run the scheduler; of several, one leads."""
    load(os.environ).needed("broker_url")
    _become(beat_command())


@click.command()
def flower() -> None:
    """Run Flower, read-only and behind a password."""
    from angel_x.entrypoints import flower as process  # noqa: PLC0415 - needed by this process only

    settings = load(os.environ)
    settings.needed("broker_url")
    process.run(settings)


@click.command()
def relay() -> None:
    """Ring again for orders that no message has brought to a decision."""
    from angel_x.bootstrap import build  # noqa: PLC0415 - needed by this process only
    from angel_x.entrypoints import relay as process  # noqa: PLC0415

    settings = load(os.environ)
    configure_logging(settings, "relay")
    start_own_metrics(settings)
    with closing(build(settings, role="relay")) as application:
        log.info("relay.started", interval_ms=settings.relay_interval_ms)
        process.run(application)
    log.info("relay.stopped")


@click.command()
def metrics() -> None:
    """Serve all processes' metrics on one page."""
    from angel_x.entrypoints import metrics as process  # noqa: PLC0415 - as above

    settings = load(os.environ)
    configure_logging(settings, "metrics")
    try:
        process.serve(settings)
    except process.MetricsDisabled as error:
        raise click.ClickException(str(error)) from None
