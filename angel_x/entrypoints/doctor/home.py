"""The home: whether processes can write their files there."""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from time import perf_counter
from typing import TYPE_CHECKING

from angel_x.domain.operations.check import Check, CheckStatus, Measured

if TYPE_CHECKING:
    from config.settings import Settings

_NAME = "home takes files"
_BYTES = 1 << 20
_LONGEST_WRITE = 500.0
_FIX = "Free space on the disk of ANGEL_X_HOME, and let this user write there."


def check(settings: Settings) -> Check:
    """Write a megabyte to the disk, and take it away again."""
    home = settings.home_path.absolute()
    if not home.exists():
        return Check.unmade(_NAME, f"there is no {home}", "`angel-x up` makes it.")
    started = perf_counter()
    try:
        with TemporaryFile(dir=home) as file:
            file.write(bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        words = f"{home}: {(error.strerror or str(error)).lower()}"
        return Check.of_fault(_NAME, words, detail="", fix=_FIX)
    return Check.of_limit(
        _NAME,
        Measured(round(1000 * (perf_counter() - started), 1), _LONGEST_WRITE, "ms"),
        detail=f"a megabyte to the disk of {home}",
        fix="Use a faster disk.",
        otherwise=CheckStatus.WARNING,
    )
