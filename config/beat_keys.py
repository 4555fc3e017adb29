"""RedBeat's keys in the message broker."""

from __future__ import annotations

#: In front of each entry's name.
PREFIX = "redbeat:"
#: A sorted set of the entries' keys, each with the time of its next run.
SCHEDULE = f"{PREFIX}:schedule"
#: The names of the entries that this release defines.
STATICS = f"{PREFIX}:statics"
#: The names of entries that could not be decoded; each is kept under this key with its name behind a colon.
ASIDE = f"{PREFIX}:aside"


def key_of(name: str) -> str:
    """Return the key of an entry."""
    return PREFIX + name


def aside_key_of(name: str) -> str:
    """Return the key under which an entry that could not be decoded is kept."""
    return f"{ASIDE}:{name}"
