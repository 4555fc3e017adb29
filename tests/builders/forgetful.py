"""A layer that forgets what was not forced to the disk, for servers that are started on it."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")
#: Inode, offset, size, length and whether it is a mark of what was forced; see the source.
_RECORD = struct.Struct("=QQQII")


@dataclass(frozen=True, slots=True)
class _Change:
    offset: int
    size: int
    old: bytes


@dataclass(frozen=True, slots=True)
class Forgetful:
    """The layer over some folders."""

    roots: tuple[Path, ...]
    library: Path
    journal: Path

    @classmethod
    def compiled(cls, compiler: str, folder: Path, *roots: Path) -> Forgetful:
        """Compile the layer into a folder that every user can read."""
        library, journal = folder / "forgetful.so", folder / "journal"
        subprocess.run(
            [compiler, "-O1", "-Wall", "-shared", "-fPIC", "-o", library, _SOURCE], check=True
        )
        journal.touch()
        for path, mode in ((folder, 0o755), (library, 0o755), (journal, 0o666)):
            path.chmod(mode)
        return cls(roots, library, journal)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process whose files are below the layer."""
        return {
            "LD_PRELOAD": str(self.library),
            "FORGETFUL_ROOTS": ":".join(map(str, self.roots)),
            "FORGETFUL_JOURNAL": str(self.journal),
        }

    def forget(self) -> int:
        """Undo every change that was not forced; return how many.  Nothing may write meanwhile."""
        below = (path for root in self.roots for path in root.rglob("*"))
        files = {path.stat().st_ino: path for path in below if path.is_file()}
        changes = self._changes()
        undone = 0
        for inode, left in changes.items():
            if inode in files:
                _undo(files[inode], left)
                undone += len(left)
        os.truncate(self.journal, 0)
        return undone

    def _changes(self) -> dict[int, list[_Change]]:
        """Return the changes of each file since it was last forced."""
        found: dict[int, list[_Change]] = {}
        for inode, change in self._read():
            if change is None:
                found.pop(inode, None)
            else:
                found.setdefault(inode, []).append(change)
        return found

    def _read(self) -> Iterator[tuple[int, _Change | None]]:
        with self.journal.open("rb") as journal:
            while head := journal.read(_RECORD.size):
                inode, offset, size, length, is_forced = _RECORD.unpack(head)
                old = journal.read(length)
                yield inode, None if is_forced else _Change(offset, size, old)


def _undo(path: Path, changes: list[_Change]) -> None:
    with path.open("r+b") as file:
        for change in reversed(changes):
            file.truncate(change.size)
            if change.old:
                file.seek(change.offset)
                file.write(change.old)
