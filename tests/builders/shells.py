"""The command line as a test calls it, in this process."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from angel_x.entrypoints.cli.root import cli


class Shell:
    """Runs one command, or a group of them, in the environment of a system."""

    def __init__(self, environ: dict[str, str], command: str) -> None:
        self._environ = environ
        self._command = command

    def run(self, *arguments: str) -> Result:
        """Return what the command made of these arguments."""
        result: Result = CliRunner(env=self._environ).invoke(cli, [self._command, *arguments])
        return result

    def json(self, *arguments: str) -> Any:
        """Return the document that it printed; it must have succeeded."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)
