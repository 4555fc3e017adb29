"""Starting and stopping the whole system in order, also after failures."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import msgspec
import structlog

from angel_x.adapters.children.logs import LogBounds
from angel_x.adapters.installation import is_desk_installed
from angel_x.adapters.metrics import make_meter
from angel_x.adapters.outage import outage
from angel_x.adapters.redaction import Redaction
from angel_x.adapters.servers import RunningServers, ServerUrls, start_servers
from angel_x.adapters.slowness import slowness
from angel_x.bootstrap import TRANSIENT
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.desk import login_link
from angel_x.entrypoints.flower import PASSWORD_FILE, USER
from angel_x.entrypoints.supervisor import Supervisor, ready_when_it_answers
from angel_x.entrypoints.supervisor.heartbeat_watch import RECONNECT_SECONDS, HeartbeatWatch
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import Addresses, RunFile, check_home, check_ports
from angel_x.entrypoints.up.preparation import KEY_FILE, ask_for_greeks, prepare
from angel_x.entrypoints.up.programs import MarketChoice, Stages, stages
from angel_x.errors import ServerUnavailable
from config.addresses import redis_address
from config.settings import PREFIX, Settings

log = structlog.get_logger()

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds between two looks at the servers' guardian.
_GUARD_INTERVAL = 1.0
#: Seconds that the system gets to become ready once all of its processes are.
_READY_PATIENCE = 60.0
_GLANCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPlan:
    """The configuration of a system to run."""

    settings: Settings
    environ: Mapping[str, str]
    market: MarketChoice
    #: Whether stored data must survive a power cut.
    durable: bool = True
    #: Chooses the processes once the servers run.
    programs: Callable[[Addresses, Mapping[str, str], MarketChoice], Stages] = stages


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The system while it runs."""

    #: The settings with the addresses of the started servers.
    settings: Settings
    addresses: Addresses
    supervisor: Supervisor
    servers: RunningServers

    @property
    def key(self) -> str:
        """The API key of the demo account."""
        return (self.settings.home_path / KEY_FILE).read_text(encoding="utf-8").strip()


class SystemLate(ServerUnavailable):
    """All processes run, and the system was not ready in time."""


class Stopped(Exception):
    """A signal ended the work."""


def run(
    plan: SystemPlan,
    terminal: Terminal,
    work: Callable[[System], Awaitable[None]],
    on_ready: Callable[[str], None] = lambda _name: None,
) -> None:
    """Start everything, do ``work``, and stop everything.

    A second signal while it stops ends all processes at once.

    Raises:
        Stopped: A signal came first.
        ServerUnavailable: A server cannot be started, or a port is taken.
        ProgramFailed: A process did not become ready.
    """
    check_home(plan.settings.home_path)
    check_ports(plan.settings)
    with _servers(plan) as servers:
        addresses = Addresses.of(_urls(plan, servers.urls), plan.settings)
        settings = _located(plan.settings, addresses)
        try:
            prepare(settings, plan.market.listed)
        except TRANSIENT as error:
            reason = Redaction(settings.secrets).masked(str(error))
            raise ServerUnavailable(f"a server does not answer: {reason}") from error
        on_ready("servers")
        asyncio.run(_supervise(plan, settings, addresses, servers, terminal, work, on_ready))


def _servers(plan: SystemPlan) -> RunningServers:
    # Not from the settings, which may contain run.json of a killed run of this home.
    redis = plan.environ.get(f"{PREFIX}REDIS_URL") or plan.environ.get(f"{PREFIX}BROKER_URL")
    return start_servers(
        plan.settings.home_path,
        database_url=plan.environ.get(f"{PREFIX}DATABASE_URL") or None,
        redis_url=redis or None,
        durable=plan.durable,
        logs=_log_bounds(plan.settings),
    )


def _log_bounds(settings: Settings) -> LogBounds:
    return LogBounds(settings.log_file_mb * 1_000_000, settings.log_files)


def _urls(plan: SystemPlan, urls: ServerUrls) -> ServerUrls:
    """Return the servers' addresses, with a cache that was given on its own."""
    cache = plan.environ.get(f"{PREFIX}CACHE_URL")
    return replace(urls, cache_url=redis_address(cache)) if cache else urls


def _located(settings: Settings, addresses: Addresses) -> Settings:
    return msgspec.structs.replace(
        settings,
        database_url=addresses.database_url,
        broker_url=addresses.broker_redis_url,
        cache_url=addresses.cache_url,
        api_url=addresses.api_url,
    )


async def _supervise(
    plan: SystemPlan,
    settings: Settings,
    addresses: Addresses,
    servers: RunningServers,
    terminal: Terminal,
    work: Callable[[System], Awaitable[None]],
    on_ready: Callable[[str], None],
) -> None:
    file = RunFile(settings.home_path, addresses)
    file.write(_pids(servers))
    environ = addresses.environment(plan.environ, settings)

    def note(pids: Mapping[str, int]) -> None:
        file.refresh({**_pids(servers), **pids})

    supervisor = Supervisor(
        plan.programs(addresses, environ, plan.market),
        settings.home_path / "logs",
        terminal,
        on_change=note,
        on_ready=on_ready,
        log_bounds=_log_bounds(settings),
    )
    system = System(settings=settings, addresses=addresses, supervisor=supervisor, servers=servers)
    try:
        async with supervisor:
            # Handled until everything has stopped: a second signal comes during the stop.
            stopped = _stop_signals(supervisor)
            watch = _watch(servers, lambda: note(supervisor.pids()))
            hearts = _heartbeat_watch(settings, supervisor).run()
            await _first_of(_work(system, work), stopped.wait(), watch, hearts)
    finally:
        file.remove()


def _pids(servers: RunningServers) -> dict[str, int]:
    """Return the process ids of this process and of the servers, by name."""
    return {"up": os.getpid(), **servers.pids()}


async def _work(system: System, work: Callable[[System], Awaitable[None]]) -> None:
    await system.supervisor.start()
    await asyncio.to_thread(ask_for_greeks, system.settings)
    await _ready(system.addresses.api_url)
    await work(system)


async def _ready(api_url: str) -> None:
    """Wait until the API reports readiness, longer on a machine that is busy.

    Raises:
        SystemLate: It does not in time.
    """
    answers = ready_when_it_answers(f"{api_url}/readyz")
    began = monotonic()
    while not await asyncio.to_thread(answers):
        if monotonic() > began + _READY_PATIENCE * slowness():
            raise SystemLate(
                f"the system was not ready in {_READY_PATIENCE:g} s, {api_url}/healthz says why"
            )
        await asyncio.sleep(_GLANCE)


def _heartbeat_watch(settings: Settings, supervisor: Supervisor) -> HeartbeatWatch:
    """Return the watch over the workers and Beat, which have a heartbeat."""
    meter = make_meter(settings, "up")
    return HeartbeatWatch(
        supervisor.children,
        bound_seconds=settings.deaf_after_seconds,
        outage=partial(
            outage,
            settings.needed("broker_url"),
            settings.needed("database_url"),
            settled_seconds=settings.deaf_after_seconds + RECONNECT_SECONDS,
        ),
        on_replaced=lambda name: meter.add(Metric.PROGRAMS_REPLACED, program=name),
    )


async def _watch(servers: RunningServers, on_restart: Callable[[], None]) -> None:
    """Start the servers anew when their guardian has died, and the servers with it.

    Raises:
        ServerUnavailable: They did not start.
    """
    while True:
        servers.hear()
        await asyncio.sleep(_GUARD_INTERVAL)
        if not servers.are_guarded:
            log.warning("guardian.died")
            await asyncio.to_thread(servers.restart)
            log.warning("servers.restarted")
            on_restart()


async def _first_of(
    work: Awaitable[None], stopped: Awaitable[object], *watches: Awaitable[None]
) -> None:
    """Do the work until it is done, a signal arrives, or a watch fails."""
    tasks = [asyncio.ensure_future(each) for each in (work, stopped, *watches)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    if tasks[0] not in done:
        raise Stopped


def _stop_signals(supervisor: Supervisor) -> asyncio.Event:
    """Return an event that the first signal sets; the second ends everything at once."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        if stopped.is_set():
            supervisor.kill()
        stopped.set()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    return stopped


def where_to_look(system: System) -> list[tuple[str, str]]:
    """Return the addresses of the user interfaces by purpose."""
    addresses, home = system.addresses, system.settings.home_path.absolute()
    return [
        *_desk(system),
        ("API", addresses.api_url),
        ("API documentation", f"{addresses.api_url}/docs"),
        ("API key of demo", str(home / KEY_FILE)),
        ("Flower", f"{addresses.flower_url}  (user {USER}, password in {home / PASSWORD_FILE})"),
        ("Metrics", addresses.metrics_url),
        ("Logs", str(home / "logs")),
    ]


def _desk(system: System) -> list[tuple[str, str]]:
    """Return the line of the desk, with a link that logs in the demo account once."""
    if not system.settings.desk_enabled:
        return []
    if not is_desk_installed():
        return [("Desk", "not installed, see: pip install 'angel-x[desk]'")]
    token = login_link.make(system.settings.home_path, KEY_FILE)
    path = f"{system.addresses.desk_url}{login_link.PATH}/{token}"
    return [("Desk", f"{path}  (logs in once, within {login_link.LIFETIME_MINUTES} minutes)")]
