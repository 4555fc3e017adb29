"""The application of a short command, for the system that runs in its home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import msgspec

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.redaction import Redaction
from angel_x.errors import ServerUnavailable
from config.loading import load
from config.settings import Settings

if TYPE_CHECKING:
    from angel_x.bootstrap import Application


@contextmanager
def application() -> Iterator[Application]:
    """Build the application of a short command, and close it afterwards.

    Raises:
        ServerUnavailable: No system runs in this home.
    """
    # The whole application, which the help of a command does not need.
    from angel_x.bootstrap import TRANSIENT, build  # noqa: PLC0415

    settings = load(os.environ)
    if settings.database_url is None or settings.cache_url is None:
        raise _not_running(settings)
    configure_logging(quiet(settings), "cli")
    try:
        with closing(build(settings, role="cli")) as built:
            yield built
    except TRANSIENT as error:
        raise _not_running(settings, error) from error


def quiet(settings: Settings) -> Settings:
    """Return settings that log warnings only, so that the output of a command stays readable."""
    level = "debug" if settings.log_level == "debug" else "warning"
    return msgspec.structs.replace(settings, log_level=level)


def _not_running(settings: Settings, error: Exception | None = None) -> ServerUnavailable:
    masked = Redaction(settings.secrets).masked(str(error).strip())
    reason = f" ({masked.splitlines()[0]})" if error else ""
    home = settings.home_path.absolute()
    return ServerUnavailable(
        f"no system answers in {home}{reason}; start one with `angel-x up`, "
        "or name its home with ANGEL_X_HOME"
    )
