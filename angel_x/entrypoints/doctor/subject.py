"""A subject of checks, with the servers that they ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from angel_x.adapters.redaction import Redaction
from angel_x.domain.operations.check import Check

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

DATABASE, BROKER, CACHE = "database", "message broker", "cache"
SERVERS = (DATABASE, BROKER, CACHE)
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """Checks that are made together, or not at all where a server that they need is away."""

    name: str
    checks: Callable[[Application], Iterable[Check]]
    needs: tuple[str, ...] = ()

    def made(self, app: Application, away: frozenset[str]) -> Iterator[Check]:
        """Yield the checks; an error ends them with one that could not be made."""
        missing = [server for server in self.needs if server in away]
        if missing:
            yield Check.unmade(self.name, f"the {' and the '.join(missing)} did not answer")
            return
        try:
            yield from self.checks(app)
        except Exception as error:  # noqa: BLE001 - a check that fails must not hide the others
            yield Check.unmade(self.name, reason(error, app.base.settings.secrets))


def reason(error: Exception, secrets: tuple[str, ...]) -> str:
    """Return the first line of an error without passwords."""
    cause = getattr(error, "orig", None) or error
    words = str(cause).strip() or type(cause).__name__
    return Redaction(secrets).masked(words).splitlines()[0][:_SHOWN]
