"""Lower CPU priority of database sessions, so that bulk work does not delay emergency orders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = structlog.get_logger()


def give_way(engine: Engine, niceness: int) -> None:
    """Give the server process behind every new session of the engine a niceness.

    Only where the server runs on this machine, which is where it competes with everything else.
    """

    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        # A path is a socket of this machine.
        if not connection.info.host.startswith("/"):
            return
        try:
            os.setpriority(os.PRIO_PROCESS, connection.info.backend_pid, niceness)
        except (PermissionError, ProcessLookupError) as error:
            # A server of another account, or in a container of its own: it keeps its priority.
            log.debug("session.not_reniced", pid=connection.info.backend_pid, error=str(error))

    event.listen(engine, "connect", connected)
