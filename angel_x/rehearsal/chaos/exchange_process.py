"""A fake exchange as a process of its own, with all faults until it is calmed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from angel_x.adapters.children.lineage import dying_with_parent
from angel_x.adapters.installation import python
from angel_x.errors import ServerUnavailable
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.inspection import FAULTS, STATE, ExchangeState
from config.settings import PREFIX

#: The part of all requests, orders or frames that each fault befalls.
RATES: Mapping[Fault, float] = {
    **dict.fromkeys(Fault, 0.01),
    Fault.EXPIRE: 0.003,
    Fault.PARTIAL: 0.2,
    Fault.DUPLICATE: 0.1,
    Fault.REORDER: 0.1,
}
#: Seconds of a slow answer: longer than the client waits.
SLOW_SECONDS = 2.5
_EXPORT = "export "
#: The last of the printed settings.
_LAST = f"{PREFIX}ANGEL_ONE_TOTP_SECRET"
_SUCCESSES = frozenset({200, 204})
_ANSWER_SECONDS, _STOP_SECONDS = 60.0, 10.0


@dataclass(frozen=True, slots=True)
class ExchangeProcess:
    """A running fake exchange."""

    #: The settings of its client.
    variables: Mapping[str, str]

    @property
    def url(self) -> str:
        """The base address of its REST part."""
        return self.variables[f"{PREFIX}ANGEL_ONE_URL"]

    def calm(self) -> None:
        """Stop all faults; a second call changes nothing."""
        self._ask("PUT", FAULTS, b"{}")

    def state(self) -> ExchangeState:
        """Return all that has happened there."""
        return msgspec.json.decode(self._ask("GET", STATE), type=ExchangeState)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=_ANSWER_SECONDS)
        with closing(connection):
            connection.request(method, path, body)
            answer = connection.getresponse()
            content = answer.read()
        if answer.status not in _SUCCESSES:
            raise ServerUnavailable(f"the fake exchange answered {answer.status} to {path}")
        return content


@contextmanager
def exchange_process(
    environ: Mapping[str, str], seed: int, cash: Decimal, log: Path
) -> Iterator[ExchangeProcess]:
    """Run a fake exchange on a free port with every fault.

    Raises:
        ServerUnavailable: It does not start.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own program
            _command(seed, cash),
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - it only asks the kernel
        )
    try:
        yield ExchangeProcess(_settings(process))
    finally:
        _stop(process)


def _command(seed: int, cash: Decimal) -> tuple[str, ...]:
    faults = (word for name, rate in RATES.items() for word in ("--fault", f"{name}={rate}"))
    options = ("--port", "0", "--seed", str(seed), "--cash", f"{cash:f}")
    slow = ("--slow-seconds", f"{SLOW_SECONDS:g}")
    return python("angel_x.entrypoints.cli", "fake-exchange", *options, *slow, *faults)


def _settings(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        name, _, value = line.strip().removeprefix(_EXPORT).partition("=")
        found[name] = value
        if name == _LAST:
            return found
    raise ServerUnavailable("the fake exchange did not start")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
