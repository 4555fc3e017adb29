"""The variables of a process under test."""

from __future__ import annotations

#: More than a test process ever has: what earlier tests have left in it raises no alert.
_NEVER_MB = "100000"


def environ_of(
    database_url: str, broker_url: str, cache_url: str, **settings: str
) -> dict[str, str]:
    """Return the environment of a process on these servers; settings go by their own names."""
    more = {f"ANGEL_X_{name.upper()}": value for name, value in settings.items()}
    return {
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_DATABASE_URL": database_url,
        "ANGEL_X_BROKER_URL": broker_url,
        "ANGEL_X_CACHE_URL": cache_url,
        "ANGEL_X_MEMORY_ALERT_THRESHOLD_MB": _NEVER_MB,
        "ANGEL_X_MEMORY_HARD_LIMIT_MB": _NEVER_MB,
        **more,
    }
