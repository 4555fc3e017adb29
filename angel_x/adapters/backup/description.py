"""The description beside a backup: without one a file is no backup."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from angel_x.adapters.home_files import named, write_whole
from angel_x.errors import BackupFailed

_SUFFIX = ".json"
_BLOCK = 1 << 20
#: Of this description; a newer one is not understood.
FORMAT = 1


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """The verified facts of a backup."""

    format: int = FORMAT
    file: str
    bytes: int
    sha256: str
    taken_at: datetime
    #: The release of Angel-X, and the revision of its schema.
    release: str
    revision: str
    #: The major version of the server.
    postgres: int
    #: Rows by table, from the snapshot of the backup.
    rows: dict[str, int]


def place_of(backup: Path) -> Path:
    """Return the file that describes a backup."""
    return backup.with_name(f"{backup.name}{_SUFFIX}")


def write(description: Description, backup: Path) -> None:
    """Describe a backup; from then on it is one."""
    text = msgspec.json.format(msgspec.json.encode(description), indent=1)
    write_whole(place_of(backup), text.decode())


def read_verified(backup: Path) -> Description:
    """Return the description of a backup whose file is as it was written.

    Raises:
        BackupFailed: There is no description, or the file is not the described one.
    """
    description = _read(place_of(backup))
    if description.format > FORMAT:
        raise BackupFailed(f"{backup} was made by a newer release, {description.release}")
    with named(backup):
        size, digest = backup.stat().st_size, checksum(backup)
    if (size, digest) != (description.bytes, description.sha256):
        raise BackupFailed(
            f"{backup} is damaged: {description.bytes} bytes with the checksum "
            f"{description.sha256} were written, was {size} bytes with {digest}"
        )
    return description


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read(file: Path) -> Description:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Description)
    except FileNotFoundError:
        raise BackupFailed(f"a backup has a description beside it, there is no {file}") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupFailed(f"{file} cannot be read: {error}") from error
