"""An environment that Angel-X is installed in, as a user has it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Seconds that one short command may take on a busy machine.
PATIENCE = 300


@dataclass(frozen=True)
class Installation:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def command(self) -> Path:
        """The console script."""
        return self.folder / "bin" / "angel-x"

    @property
    def packages(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(
        self, *arguments: str | Path, cwd: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            arguments,
            cwd=cwd,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
