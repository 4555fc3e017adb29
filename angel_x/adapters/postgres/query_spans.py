"""Spans of statements: their names, and never their parameters."""

from __future__ import annotations

import re
import threading
from time import perf_counter
from typing import TYPE_CHECKING

from sqlalchemy import event

from angel_x.adapters.postgres.prepared import EXECUTE

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import ExceptionContext

    from angel_x.domain.operations.span import Tracer

_LABEL = re.compile(rf"\b{EXECUTE} (\w+)_[0-9a-f]{{16}}\b")
_SYSTEM = ("db.system.name", "postgresql")


def trace_queries(engine: Engine, tracer: Tracer) -> None:
    """Add a span for each statement that is executed within one."""
    running = threading.local()

    def started(*_: object) -> None:
        running.since = perf_counter()

    def finished(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        add(statement, failed=False)

    def broken(context: ExceptionContext) -> None:
        # Without a statement the connection or the commit has failed.
        if context.statement is not None:
            add(context.statement, failed=True)

    def add(statement: str, *, failed: bool) -> None:
        since = running.__dict__.pop("since", None)
        if since is not None and tracer.current() is not None:
            name = summary(statement)
            attributes = (_SYSTEM, ("db.query.summary", name))
            tracer.timed(name, perf_counter() - since, attributes, failed=failed)

    event.listen(engine, "before_cursor_execute", started)
    event.listen(engine, "after_cursor_execute", finished)
    event.listen(engine, "handle_error", broken)


def summary(statement: str) -> str:
    """Return the labels of prepared statements, or the first word of another one."""
    labels = _LABEL.findall(statement) if statement.startswith(EXECUTE) else []
    return " ".join(labels) or statement.split(None, 1)[0].upper()
