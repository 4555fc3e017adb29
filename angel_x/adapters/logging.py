"""The configuration of logs: text for people, or one JSON object a line.

Neither format shows the values of local variables, and no line contains a secret or is unbounded.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol, TextIO

import structlog
from structlog.types import Processor

from angel_x.adapters.redaction import Redaction, traceback_of
from angel_x.adapters.tracing import log_processors


class LogSettings(Protocol):
    @property
    def log_level(self) -> str: ...
    @property
    def log_format(self) -> str: ...
    @property
    def node(self) -> str: ...
    @property
    def secrets(self) -> Iterable[str]: ...
    @property
    def traces_enabled(self) -> bool: ...


def configure_logging(settings: LogSettings, role: str) -> None:
    """Send the events of structlog and of every library to standard error, in one format.

    A second call replaces the first.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *log_processors(settings),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_rendering(settings),
        ],
    )
    _replace_root_handler(rendering, settings.log_level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(role=role, node=settings.node)


def _rendering(settings: LogSettings) -> list[Processor]:
    safe: list[Processor] = [
        structlog.processors.ExceptionRenderer(traceback_of),
        Redaction(settings.secrets),
    ]
    if settings.log_format == "json":
        return [*safe, structlog.processors.JSONRenderer(default=str)]
    return [*safe, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


class ErrorStream(logging.StreamHandler[TextIO]):
    """Reports only the source line of an event that cannot be written.

    The default handler prints the arguments, which may contain secrets.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of logging
        with suppress(OSError, ValueError):
            self.stream.write(f"log.unwritten {record.name} {record.pathname}:{record.lineno}\n")


def _replace_root_handler(formatter: logging.Formatter, level: str) -> None:
    handler = ErrorStream(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Celery logs every message and its end, which is too much at thousands of orders a second.
    # httpx and httpcore log each request, the latter with the tokens in its headers.
    for noisy in ("celery.worker.strategy", "celery.app.trace", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
