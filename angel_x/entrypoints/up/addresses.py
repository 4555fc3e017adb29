"""The addresses of a running system, for its processes and other commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import structlog

from angel_x.adapters.children.listening import bound, reachable
from angel_x.adapters.home_files import write_whole
from angel_x.adapters.installation import is_desk_installed
from angel_x.adapters.servers import ServerUrls
from angel_x.errors import ServerUnavailable, UnusableFile
from config.loading import RUN_FILE
from config.settings import PREFIX, Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Addresses:
    """All addresses; those of configured servers may contain passwords."""

    database_url: str
    broker_url: str
    broker_redis_url: str
    cache_url: str
    api_url: str
    flower_url: str
    metrics_url: str
    desk_url: str

    @classmethod
    def of(cls, servers: ServerUrls, settings: Settings) -> Addresses:
        """Combine the addresses of the servers with those of the settings."""
        return cls(
            database_url=servers.database_url,
            broker_url=servers.broker_url,
            broker_redis_url=servers.broker_redis_url,
            cache_url=servers.cache_url,
            **web_addresses(settings),
        )

    def environment(self, environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
        """Return the environment of the system's processes."""
        # Processes report readiness at level info.
        level = settings.log_level if settings.log_level == "debug" else "info"
        ours = {
            "HOME": str(settings.home_path.absolute()),
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_redis_url,
            "CACHE_URL": self.cache_url,
            "API_URL": self.api_url,
            "API_HOST": settings.api_host,
            "API_PORT": str(settings.api_port),
            "FLOWER_URL": self.flower_url,
            "FLOWER_PORT": str(settings.flower_port),
            "METRICS_PORT": str(settings.metrics_port),
            "DESK_PORT": str(settings.desk_port),
            "DESK_ENABLED": str(settings.desk_enabled).lower(),
            "LOG_LEVEL": level,
        }
        return {**environ, **{PREFIX + name: value for name, value in ours.items()}}


def web_addresses(settings: Settings) -> dict[str, str]:
    """Return the addresses of the pages of a machine, by name."""
    host = reachable(settings.api_host)
    return {
        "api_url": f"http://{host}:{settings.api_port}",
        "flower_url": f"http://{host}:{settings.flower_port}",
        "metrics_url": f"http://{host}:{settings.metrics_port}/metrics",
        "desk_url": f"http://{host}:{settings.desk_port}",
    }


class RunFile:
    """``run.json`` of a home, which exists while the system runs there."""

    def __init__(self, home: Path, addresses: Addresses) -> None:
        self._path = home / RUN_FILE
        self._addresses = addresses

    def write(self, pids: Mapping[str, int]) -> None:
        """Replace the file atomically, readable by its owner only.

        Raises:
            UnusableFile: The directory cannot be written, or its disk is full.
        """
        content = {**asdict(self._addresses), "pids": dict(pids)}
        write_whole(self._path, json.dumps(content, indent=1))

    def refresh(self, pids: Mapping[str, int]) -> None:
        """Write again, while the system runs: a full disk is logged and does not end it."""
        try:
            self.write(pids)
        except UnusableFile as error:
            log.error("run_file.unwritten", reason=str(error))  # noqa: TRY400 - the reason says it

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def running_addresses(home: Path) -> dict[str, str]:
    """Return the addresses of the system that runs in a home by name, none where none runs."""
    found = _content(home).items()
    return {n: url for n, url in found if n.endswith("_url") and isinstance(url, str)}


def check_home(home: Path) -> None:
    """Refuse to start a second system in a home, with the process and the address of the first.

    Raises:
        ServerUnavailable: A system runs there.
    """
    pids = _content(home).get("pids")
    pid = pids.get("up") if isinstance(pids, dict) else None
    if isinstance(pid, int) and _wrote(pid, home / RUN_FILE):
        address = running_addresses(home).get("api_url", "without an API")
        raise ServerUnavailable(
            f"a system runs in {home.absolute()} already: process {pid}, {address}; stop it with "
            f"`kill {pid}`, or name another home with ANGEL_X_HOME"
        )


def _content(home: Path) -> dict[str, Any]:
    try:
        content = json.loads((home / RUN_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _wrote(pid: int, file: Path) -> bool:
    """Return whether a process lives that is older than a file; a killed one leaves its id to others."""
    try:
        return pid > 0 and psutil.Process(pid).create_time() <= file.stat().st_mtime
    except (psutil.Error, OSError):
        return False


def check_ports(settings: Settings) -> None:
    """Refuse to start where another program listens.

    Raises:
        ServerUnavailable: With the port and the setting that moves it.
    """
    names = ("api_port", "flower_port", "metrics_port")
    has_desk = settings.desk_enabled and is_desk_installed()
    for name in (*names, "desk_port") if has_desk else names:
        port: int = getattr(settings, name)
        try:
            bound(settings.api_host, port).close()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ServerUnavailable(
                f"{settings.api_host}:{port} cannot be used ({reason.lower()}), "
                f"choose another port with {PREFIX}{name.upper()}"
            ) from error


def free_ports(host: str, count: int) -> list[int]:
    """Return free ports."""
    sockets = [bound(host, 0) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
