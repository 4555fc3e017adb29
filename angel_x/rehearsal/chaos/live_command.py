"""A storm over live trading in a home of its own, at a fake exchange of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from angel_x.bootstrap.broker import build_master_download
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.rehearsal.chaos import raised_limits
from angel_x.rehearsal.chaos.command import rehearsed
from angel_x.rehearsal.chaos.exchange_process import exchange_process
from angel_x.rehearsal.chaos.live_report import LiveReport
from angel_x.rehearsal.chaos.live_run import LiveRun
from angel_x.rehearsal.chaos.options import ChaosOptions
from angel_x.rehearsal.chaos.stormy_load import ChaosSetup
from angel_x.rehearsal.load import ACCOUNTS
from config.loading import load
from config.settings import PREFIX

_MASTER = "/OpenAPI_File/files/OpenAPIScripMaster.json"
#: A request waits for less than a slow answer takes, and fits into a lease that a stopped worker loses.
_LIVE = {
    "TRADING_MODE": "live",
    "LIVE_USERS": ",".join(ACCOUNTS),
    "MARKET_HOURS": "always",
    "API_RESPONSE_TIMEOUT": "10",
    "ANGEL_ONE_TIMEOUT_SECONDS": "2",
    "ORDER_LEASE_SECONDS": "8",
}


def live_storm(
    environ: Mapping[str, str],
    options: ChaosOptions,
    limits: int,
    console: Console,
    tell: Callable[[LiveReport], None],
) -> bool:
    """Run the storm, print its report, and return whether every rule holds.

    ``limits`` is how many times the broker's limits of requests are raised, on both sides.  The errors
    are those of :meth:`Rehearsal.run`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="angel-x-live-")))
        tables = folder / "tables"
        tables.mkdir()
        raised_limits.write(tables, limits)
        given = {**environ, f"{PREFIX}MARKET_TABLES": str(tables)}
        exchange = stack.enter_context(
            exchange_process(
                given, options.seed, sum(ACCOUNTS.values(), Decimal(0)), folder / "exchange.log"
            )
        )
        live = {PREFIX + name: value for name, value in _LIVE.items()}
        variables = {**given, **live, **exchange.variables}
        master = folder / "master.json"
        url = exchange.url + _MASTER
        with build_master_download(master, url) as download:
            download.run()
        return rehearsed(
            load(variables, of_running=False),
            variables,
            options,
            MarketChoice(master=master),
            console,
            perform=lambda running, passages: LiveRun(
                ChaosSetup(running, passages, options), exchange
            ).report(),
            tell=tell,
        )
