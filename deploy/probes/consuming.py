"""Whether a worker consumes, for health checks: ``python -I -S consuming.py ROLE``.

A worker writes its heartbeat when it asks the message broker for messages of all its queues.  An old one
means a worker that is stopped, hangs or is deaf, unless the broker or the database is away: a restart
brings neither back.  Without site packages, settings and clients this costs some ten milliseconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# The packages of the interpreter's environment, and a checkout.
sys.path += [
    str(Path(sys.executable).parent.parent / "lib" / _PYTHON / "site-packages"),
    str(Path(__file__).resolve().parents[2]),
]

from angel_x.adapters.heartbeat import heartbeat_file, last_beat  # noqa: E402 - found by the path above

#: Seconds in which a worker connects again to a broker that is back, as the supervisor allows.
_RECONNECT_SECONDS = 35
_DEAF_AFTER_SECONDS = 25


def refusal(role: str, environ: Mapping[str, str], node: str) -> str | None:
    """Return why this worker counts as deaf, None where it consumes or no one can know."""
    bound = int(environ.get("ANGEL_X_DEAF_AFTER_SECONDS") or _DEAF_AFTER_SECONDS)
    beat = last_beat(heartbeat_file(environ.get("ANGEL_X_HOME") or ".angel-x", node, role))
    if beat is None or (silence := monotonic() - beat) <= bound:
        return None
    from angel_x.adapters.outage import outage  # noqa: PLC0415 - a worker that consumes needs no sockets

    reason = outage(
        _value(environ, "BROKER_URL") or _value(environ, "REDIS_URL"),
        _value(environ, "DATABASE_URL"),
        settled_seconds=bound + _RECONNECT_SECONDS,
    )
    if reason is not None:
        sys.stdout.write(f"silent for {silence:.0f} s, and {reason}\n")
        return None
    return f"{node}/{role} must ask for messages within {bound} s, did so {silence:.0f} s ago"


def _value(environ: Mapping[str, str], name: str) -> str:
    """Return a setting, which may be the content of a file."""
    if file := environ.get(f"ANGEL_X_{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get(f"ANGEL_X_{name}", "")


if __name__ == "__main__":
    sys.exit(
        refusal(sys.argv[1], os.environ, os.environ.get("ANGEL_X_NODE") or os.uname().nodename)
    )
