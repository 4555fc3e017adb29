"""The operating system's user that PostgreSQL runs as, since it refuses to be root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from angel_x.errors import ServerUnavailable

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class SystemUser:
    name: str
    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """Return whether this user can pass every directory from the root to ``path``."""
        return all(self._enters(directory.stat()) for directory in (path, *path.parents))

    def _enters(self, directory: os.stat_result) -> bool:
        if directory.st_uid == self.uid:
            return bool(directory.st_mode & stat.S_IXUSR)
        if directory.st_gid == self.gid:
            return bool(directory.st_mode & stat.S_IXGRP)
        return bool(directory.st_mode & stat.S_IXOTH)


def stand_in(*, needed: bool) -> SystemUser | None:
    """Return an existing unprivileged user to run servers in place of root; None for other users."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        if not needed:
            return None
        raise ServerUnavailable(
            "PostgreSQL refuses to run as root and there is no user to run it as: "
            f"run as another user, give DATABASE_URL, or add the user {UNPRIVILEGED}"
        ) from None
    return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def own_name() -> str:
    """Name the user of this process; a container may run as a number without a name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ServerUnavailable(
            "PostgreSQL needs a user with a name: add one to /etc/passwd or give DATABASE_URL, "
            f"was uid {os.geteuid()}"
        ) from None
