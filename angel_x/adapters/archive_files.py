"""Files of rows that leave the database: ``<partition>.<part>.jsonl.gz``, listed in ``<partition>.json``.

Each line of a part is one row as a JSON object by column.  The list holds the rows and the SHA-256 of
each part.  A file under its final name is complete and on the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import msgspec

from angel_x.errors import AngelXError


class ArchiveDamaged(AngelXError):
    """A file of the archive does not hold the rows that were written to it."""


class PartitionFile(msgspec.Struct, frozen=True):
    """One file of a partition."""

    file: str
    rows: int
    sha256: str


class Contents(msgspec.Struct):
    """The list of a partition's files, in the order in which they were written."""

    table: str
    partition: str
    parts: list[PartitionFile] = []

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


class Archive:
    """One directory.  Writing a part a second time replaces it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def contents(self, table: str, partition: str) -> Contents:
        """Return the list of a partition, empty before its first part.

        Raises:
            ArchiveDamaged: The list cannot be read.
        """
        file = self._list_of(partition)
        try:
            return msgspec.json.decode(file.read_bytes(), type=Contents)
        except FileNotFoundError:
            return Contents(table, partition)
        except msgspec.MsgspecError as error:
            raise ArchiveDamaged(f"a list of the archive cannot be read, {error}: {file}") from None

    def add(self, contents: Contents, rows: Iterable[str]) -> None:
        """Write the next part, read it back, and add it to the list.

        Raises:
            OSError: The directory cannot be written.
            ArchiveDamaged: The file does not hold the written rows.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{contents.partition}.{len(contents.parts) + 1:04d}.jsonl.gz"
        lines = [f"{row}\n".encode() for row in rows]
        draft = self._directory / f"{name}.new"
        with _private(draft) as file:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                packed.writelines(lines)
            _to_disk(file)
        with gzip.open(draft) as packed:
            if list(packed) != lines:
                raise ArchiveDamaged(f"a file does not hold the rows written to it: {draft}")
        draft.replace(self._directory / name)
        contents.parts.append(PartitionFile(name, len(lines), _digest(self._directory / name)))
        self._write_list(contents)

    def verify(self, contents: Contents) -> None:
        """Compare every part with the list.

        Raises:
            OSError: A part cannot be read.
            ArchiveDamaged: A part differs.
        """
        for part in contents.parts:
            if _digest(self._directory / part.file) != part.sha256:
                raise ArchiveDamaged(f"a part was changed: {self._directory / part.file}")

    def _write_list(self, contents: Contents) -> None:
        draft = self._directory / f"{contents.partition}.json.new"
        with _private(draft) as file:
            file.write(msgspec.json.format(msgspec.json.encode(contents), indent=1))
            _to_disk(file)
        draft.replace(self._list_of(contents.partition))
        # The names as well, which belong to the directory.
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _list_of(self, partition: str) -> Path:
        return self._directory / f"{partition}.json"


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
