"""Flower, read-only and behind a password."""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Mapping
from urllib.parse import quote

from angel_x.adapters.children.listening import reachable
from angel_x.adapters.home_files import named, write_whole
from angel_x.adapters.installation import python
from config.settings import Settings

USER = "angel"
#: A generated password, or one that was written into its place.
_FORM = re.compile(rb"[!-+.-~-]{8,}")
PASSWORD_FILE = "flower.password"  # noqa: S105 - the name of a file
#: Workers and tasks as Flower knew them when it last saved them, in the home.
STATE_FILE = "flower.state"
#: Milliseconds between two savings, each of which holds Flower up for about a second with all its tasks.
_SAVE_INTERVAL = 60_000


def password(settings: Settings) -> str:
    """Return the configured password, else that of this home.

    It is generated on the first call, and again where its file is damaged.

    Raises:
        UnusableFile: The file can neither be read nor written.
    """
    if settings.flower_password is not None:
        return settings.flower_password
    file = settings.home_path / PASSWORD_FILE
    with named(file):
        settings.home_path.mkdir(parents=True, exist_ok=True)
        if file.is_file() and _FORM.fullmatch(stored := file.read_bytes().strip()):
            return stored.decode()
    made = secrets.token_urlsafe(24)
    write_whole(file, made)
    return made


def worker_page(settings: Settings, worker: str) -> str:
    """Return the address of the page of a worker, with its tasks, queues and statistics."""
    return f"{address(settings)}/worker/{quote(worker)}"


def address(settings: Settings) -> str:
    """Return the address of Flower for browsers."""
    return settings.flower_url or f"http://{reachable(settings.api_host)}:{settings.flower_port}"


def command() -> list[str]:
    """Return the command line, without secrets."""
    return list(python("beat_schedule.flower"))


def environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment from which Flower reads its options."""
    return {
        **environ,
        "FLOWER_ADDRESS": settings.api_host,
        "FLOWER_PORT": str(settings.flower_port),
        "FLOWER_BASIC_AUTH": f"{USER}:{password(settings)}",
        "FLOWER_READ_ONLY": "true",
        # Workers send events anyway, and do not take the command that asks for them.
        "FLOWER_ENABLE_EVENTS": "false",
        # A tenth of the default, which takes too much memory.
        "FLOWER_MAX_TASKS": "10000",
        # Its own process keeps the files from others: beat_schedule.flower.
        "FLOWER_PERSISTENT": "true",
        "FLOWER_DB": str(settings.home_path.absolute() / STATE_FILE),
        "FLOWER_STATE_SAVE_INTERVAL": str(_SAVE_INTERVAL),
        "FLOWER_PURGE_OFFLINE_WORKERS": "300",
    }


def run(settings: Settings) -> None:
    """Replace this process by Flower."""
    os.execve(sys.executable, command(), environment(settings, os.environ))  # noqa: S606
