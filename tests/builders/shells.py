"""The command line as a test calls it, in this process."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from angel_x.entrypoints.cli.root import cli


class Shell:
    """Runs commands in the environment of a system: any, or one with its arguments."""

    def __init__(self, environ: dict[str, str], *command: str) -> None:
        # The files of metrics belong to a process, and hundreds of commands share this one.
        self.environ = {**environ, "ANGEL_X_METRICS_ENABLED": "false"}
        self._command = command

    def run(self, *arguments: str, text: str | None = None) -> Result:
        """Return what the command made of these arguments, and of a text on its standard input."""
        result: Result = CliRunner(env=self.environ).invoke(
            cli, [*self._command, *arguments], input=text
        )
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Return the document that it printed; it must have ended with that code."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)
