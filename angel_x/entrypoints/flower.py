"""Flower, read-only and behind a password."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping

from angel_x.adapters.installation import python
from config.settings import Settings

USER = "angel"
PASSWORD_FILE = "flower.password"  # noqa: S105 - the name of a file


def password(settings: Settings) -> str:
    """Return the configured password, else that of this home, generated on the first call."""
    if settings.flower_password is not None:
        return settings.flower_password
    file = settings.home_path / PASSWORD_FILE
    settings.home_path.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        made = secrets.token_urlsafe(24)
        opened.write(made)
    return made


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
        # A tenth of the default, which takes too much memory.
        "FLOWER_MAX_TASKS": "10000",
        "FLOWER_PURGE_OFFLINE_WORKERS": "300",
    }


def run(settings: Settings) -> None:
    """Replace this process by Flower."""
    os.execve(sys.executable, command(), environment(settings, os.environ))  # noqa: S606
