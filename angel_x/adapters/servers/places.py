"""Directories of the servers' files and sockets, for paths of any length and any user.

Nothing outside a directory made here changes its owner or mode.
As root, PostgreSQL's own directories lie in directories of root, so that its user cannot swap one for a link.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from angel_x.adapters.servers.account import SystemUser
from angel_x.errors import ServerUnavailable

#: The shortest limit of the platforms (macOS); Linux allows four bytes more.
SOCKET_PATH_LIMIT = 103
POSTGRES_SOCKET = ".s.PGSQL.5432"

PRIVATE = 0o700
#: Other users may pass through, and cannot list the content.
PASSAGE = 0o711

#: Base directories for files of root's unprivileged user, the best first.
SHARED_BASES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - made with mkdtemp, owner checked

MEMO = "postgres.path"
OUTSIDE_PREFIX = "angel-x-"


@dataclass(frozen=True, slots=True)
class Places:
    #: Everything of the servers of one home.
    root: Path
    #: PostgreSQL's cluster and the files that configure it.
    postgres: Path
    postgres_sockets: Path
    sockets: Path
    #: Made for this run only.
    discard: tuple[Path, ...]

    def log(self, server: str) -> Path:
        return self.root / "logs" / f"{server}.log"


def servers_root(home: Path) -> Path:
    return home.absolute() / "servers"


def open_home(home: Path, account: SystemUser | None) -> Path:
    """Make or check the directory of the servers under ``home``."""
    mode = PASSAGE if account else PRIVATE
    root = servers_root(home)
    try:
        root.parent.parent.mkdir(parents=True, exist_ok=True)
        own_directory(root.parent, mode)
        own_directory(root, mode)
        own_directory(root / "logs", PRIVATE)
    except OSError as error:
        raise ServerUnavailable(f"the data directory cannot be used, {error}") from error
    return root


def lay_out(root: Path, account: SystemUser | None) -> Places:
    """Choose and make all directories; a second call finds the same ones."""
    state = _postgres_state(root, account)
    sockets, postgres_sockets, discard = _socket_directories(root, state)
    mode = PASSAGE if account else PRIVATE
    own_directory(sockets, mode)
    own_directory(postgres_sockets, PRIVATE, account)
    return Places(root, state, postgres_sockets, sockets, discard)


def own_directory(path: Path, mode: int, account: SystemUser | None = None) -> None:
    """Make a directory for ``account`` (None: for us), or check that it is theirs."""
    uid = account.uid if account else os.geteuid()
    try:
        path.mkdir()
    except FileExistsError:
        _check_owner(path, uid)
    else:
        path.chmod(mode)
        if account:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _check_owner(path: Path, uid: int) -> None:
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise ServerUnavailable(f"a directory is needed, was something else: {path}")
    if status.st_uid != uid:
        raise ServerUnavailable(
            f"a directory of user id {uid} is needed, was of {status.st_uid}: {path}"
        )


def _postgres_state(root: Path, account: SystemUser | None) -> Path:
    inside, memo = root / "postgres", root / MEMO
    if memo.exists():
        return _remembered(memo)
    if account is None or account.reaches(root):
        own_directory(inside, PASSAGE if account else PRIVATE)
        return inside
    if inside.exists():
        raise ServerUnavailable(
            f"the user {account.name}, who runs PostgreSQL for root, cannot reach {inside}"
        )
    outside = _outside()
    memo.write_text(str(outside), encoding="utf-8")
    return outside


def _remembered(memo: Path) -> Path:
    state = _written(memo)
    if not state.is_absolute():
        raise ServerUnavailable(
            f"{memo} must hold the path of the database, a directory named {OUTSIDE_PREFIX}*: "
            f"write it there again, was {str(state)!r}"
        )
    if not state.is_dir():
        raise ServerUnavailable(
            f"the database of this home is gone, remove {memo} to begin with an empty one: {state}"
        )
    _check_owner(state, os.geteuid())
    return state


def _written(memo: Path) -> Path:
    return Path(memo.read_text(encoding="utf-8", errors="replace").strip().replace("\0", ""))


def _outside() -> Path:
    state = Path(tempfile.mkdtemp(prefix=OUTSIDE_PREFIX, dir=shared_base()))
    state.chmod(PASSAGE)
    return state


def shared_base() -> Path:
    """Return a directory that root may write and all users may pass."""
    for base in SHARED_BASES:
        if base.is_dir() and os.access(base, os.W_OK | os.X_OK):
            return base
    raise ServerUnavailable(f"one of these must be writable: {', '.join(map(str, SHARED_BASES))}")


def _socket_directories(root: Path, state: Path) -> tuple[Path, Path, tuple[Path, ...]]:
    sockets, postgres_sockets = root / "sockets", state / "sockets"
    if _fits(sockets) and _fits(postgres_sockets):
        return sockets, postgres_sockets, ()
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp")):  # noqa: S108 - owner is checked
        short = Path(base) / f"{OUTSIDE_PREFIX}{_digest(root)}"
        if _fits(short / "postgres"):
            return short, short / "postgres", (short / "postgres", short)
    raise ServerUnavailable(f"no directory for sockets has a short enough path, was {sockets}")


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / POSTGRES_SOCKET)) <= SOCKET_PATH_LIMIT


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def possessions(root: Path) -> Iterator[Path]:
    """Walk over all directories that belong to the servers of one home."""
    memo = root / MEMO
    if memo.exists():
        state = _written(memo)
        if state.name.startswith(OUTSIDE_PREFIX) and state.parent in SHARED_BASES:
            yield state
    yield root


def remove(root: Path) -> None:
    for directory in possessions(root):
        if directory.is_dir():
            shutil.rmtree(directory)
