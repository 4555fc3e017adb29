"""The fake exchange as a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from time import monotonic

from angel_x.adapters.angel_one.limits import limits_in_force
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.market_tables import market_tables
from angel_x.domain.calendar.session import IST, SessionTable, TradingCalendar
from angel_x.domain.contracts.contract_rules import ContractRules
from angel_x.rehearsal.fake_exchange import market_socket
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.faults import Fault, Faults
from angel_x.rehearsal.fake_exchange.market import Walk, nifty_chain
from angel_x.rehearsal.fake_exchange.server import listening, server
from angel_x.rehearsal.fake_exchange.updates import PATH as UPDATES_PATH
from config.settings import Settings

_PAUSE_SECONDS = 1.0


def prepared(
    settings: Settings,
    seed: int,
    rates: Mapping[str, float],
    *,
    slow_seconds: float,
    token_seconds: float | None,
    sole_session: bool = False,
    cash: int,
) -> tuple[Exchange, Walk]:
    """Return an exchange with a quoted chain of NIFTY, and what moves its quotes."""
    tables = market_tables(settings)
    calendar = TradingCalendar(tables.rule(SessionTable.parse, "sessions"))
    rules = tables.rule(ContractRules.from_table, "contracts")()
    listed = nifty_chain(rules, calendar, wall_clock().astimezone(IST).date())
    faults = Faults(
        seed,
        {Fault(name): rate for name, rate in rates.items()},
        slow_seconds=slow_seconds,
        token_seconds=token_seconds,
        sole_session=sole_session,
    )
    limits = limits_in_force(tables, wall_clock)
    exchange = Exchange(
        listed,
        now=wall_clock,
        monotonic=monotonic,
        limits=limits,
        faults=faults,
        cash=Decimal(cash),
    )
    walk = Walk(exchange, listed, seed)
    walk.step()
    return exchange, walk


async def serve(exchange: Exchange, walk: Walk, port: int, tell: Callable[[str], None]) -> None:
    """Serve until the process is told to stop; print the settings of a client first."""
    made = listening("127.0.0.1", port)
    host, bound = made.getsockname()[:2]
    for line in client_settings(exchange, f"http://{host}:{bound}"):
        tell(line)
    walking = asyncio.create_task(walk.run(_PAUSE_SECONDS))
    try:
        await server(exchange).serve([made])
    finally:
        walking.cancel()
        made.close()


def client_settings(exchange: Exchange, url: str) -> Iterator[str]:
    """Yield the settings of a client of the exchange, as lines of a shell."""
    client = exchange.sessions.client
    values = {
        "url": url,
        "stream_url": f"ws{url.removeprefix('http')}{market_socket.PATH}",
        "updates_url": url.replace("http", "ws", 1) + UPDATES_PATH,
        "client_code": client.code,
        "api_key": client.api_key,
        "pin": client.pin,
        "totp_secret": client.totp_secret,
    }
    for name, value in values.items():
        yield f"export ANGEL_X_ANGEL_ONE_{name.upper()}={value}"
