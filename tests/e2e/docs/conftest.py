"""A system that trades, for what the documents show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import urllib3

from angel_x.bootstrap import Application
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.up.addresses import free_ports
from angel_x.entrypoints.up.preparation import ensure_account
from tests.builders.environs import application_on
from tests.builders.risk import model_columns
from tests.e2e.processes import ROOT, Processes, eventually

CASH = Decimal(10_000_000)


@dataclass(frozen=True)
class Trading:
    """A system that trades: an account with a key, its address and its environment."""

    url: str
    key: str
    environment: dict[str, str]
    application: Application

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout


@pytest.fixture
def trading(system: Processes, environment: dict[str, str], tmp_path: Path) -> Iterator[Trading]:
    with application_on(environment) as application:
        application.market.contracts.load_generated()
        account = ensure_account(application, "demo", CASH)
        key = application.people.access.issue(account.id, [Scope.TRADE])
        (port,) = free_ports("127.0.0.1", 1)
        url = f"http://127.0.0.1:{port}"
        system.start("feed", "-m", "angel_x.entrypoints.cli", "feed")
        system.start("api", "-m", "angel_x.entrypoints.cli", "api", ANGEL_X_API_PORT=str(port))
        system.worker("orders", "orders.emergency,celery,orders.high,orders.normal,orders.low")
        system.start("relay", "-m", "angel_x.entrypoints.cli", "relay")
        eventually(lambda: is_alive(url), "the API answers")
        chains = application.analytics.option_chains
        spot = eventually(lambda: chains.chain("NIFTY").spot, "the feed has quotes")
        publish_risk(application, float(spot))
        (tmp_path / "bin").mkdir()
        installed_as("angel-x", tmp_path / "bin")
        reached = {
            **environment,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{environment['PATH']}",
        }
        yield Trading(url, key, reached, application)


def publish_risk(application: Application, spot: float) -> None:
    """Publish the risk arrays of the listed contracts: no worker computes them here."""
    universe, now = application.market.universes.current(), application.base.clock()
    columns = model_columns(universe, at=now.timestamp(), spot=spot)
    application.market.risk_board.write(universe, 0, columns, epoch_ms(now))


def is_alive(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/livez", retries=False, timeout=30).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def installed_as(name: str, directory: Path) -> None:
    """Make a command of the module, as installing the package would."""
    command = directory / name
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m angel_x.entrypoints.cli "$@"\n')
    command.chmod(0o755)
