"""The fake exchange on a port of its own, and clients of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import redis

from angel_x.adapters.angel_one.books import Books
from angel_x.adapters.angel_one.budget import Budget, Ledger
from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.credentials import Credentials, Tokens
from angel_x.adapters.angel_one.fleet_session import FleetSession, SessionStore
from angel_x.adapters.angel_one.market_socket import SocketEndpoint
from angel_x.adapters.angel_one.scrips import SearchedScrips
from angel_x.adapters.angel_one.session import Session
from angel_x.adapters.angel_one.venue import AngelOneVenue, Preview, Scrips
from angel_x.adapters.angel_one.wire import Endpoint, Wire
from angel_x.adapters.clock import wall_clock
from angel_x.domain.contracts.contract import Right, format_symbol
from angel_x.domain.exchange.request_budget import RequestAsk
from angel_x.rehearsal.fake_exchange import market_socket
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.faults import Fault, Faults
from angel_x.rehearsal.fake_exchange.listings import Listing
from angel_x.rehearsal.fake_exchange.server import ExchangeServer
from tests.builders.limits import shipped, unlimited
from tests.builders.terms import RATES

LOT = 65
EXPIRY = date(2026, 8, 25)
BID, ASK = Decimal("100.00"), Decimal("100.50")


def listing(token: str = "40001", strike: int = 24_000, right: str = "CE") -> Listing:
    """Return a call of NIFTY, as the exchange lists it."""
    return Listing(
        token,
        f"NIFTY25AUG26{strike}{right}",
        "NFO",
        "NIFTY",
        EXPIRY,
        Decimal(strike),
        right,
        LOT,
        Decimal("0.05"),
        1_800,
    )


CALL = listing()
SYMBOL = format_symbol("NIFTY", EXPIRY, Decimal(24_000), Right.CALL)


def exchange(now: Callable[[], Any] = wall_clock, faults: Faults | None = None) -> Exchange:
    """Return an exchange that quotes 100.00 x 100.50 in one call and one put."""
    made = Exchange(
        [CALL, listing("40002", right="PE")],
        now=now,
        monotonic=time.monotonic,
        limits=shipped,
        faults=faults,
    )
    made.quote_all(BID, ASK, 100 * LOT)
    return made


def order(**changes: str) -> dict[str, str]:
    """Return a request to buy one lot above the offer."""
    return {
        "variety": "NORMAL",
        "tradingsymbol": CALL.trading_symbol,
        "symboltoken": CALL.token,
        "transactiontype": "BUY",
        "exchange": "NFO",
        "ordertype": "LIMIT",
        "producttype": "CARRYFORWARD",
        "duration": "DAY",
        "price": "101.00",
        "quantity": str(LOT),
        "ordertag": "angel-x-1",
        **changes,
    }


class Unlimited:
    """A ledger that lets in everything at once."""

    def take(self, ask: RequestAsk) -> float:
        return 0.0

    def settle(self, ask: RequestAsk) -> None:
        """Count nothing."""

    leave = settle


@dataclass
class Broker:
    """A fake exchange that is served, and one client of it that never waits between attempts."""

    server: ExchangeServer
    pauses: list[float] = field(default_factory=list)
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        self.exchange = self.server.exchange
        self.client = self.another()

    def another(
        self, ledger: Ledger | None = None, store: SessionStore | None = None, **changes: Any
    ) -> AngelOne:
        """Return one more client, with a session of its own or that of a store."""
        known = self.credentials
        credentials = replace(known, pin=changes.get("pin", known.pin))
        budget = Budget(
            ledger or Unlimited(),
            sleep=time.sleep,
            monotonic=changes.get("monotonic", time.monotonic),
        )
        wire = Wire(
            Endpoint(
                url=self.server.url,
                timeout_seconds=changes.get("timeout_seconds", self.timeout_seconds),
            ),
            client_code=known.client_code,
            api_key=known.api_key,
            budget=budget,
            limits=changes.get("limits", shipped),
            sleep=self.pauses.append,
            reads=changes.get("reads"),
        )
        fleet = None if store is None else self.fleet(store, credentials)
        return AngelOne(wire, Session(wire, credentials, now=wall_clock, fleet=fleet))

    def fleet(self, store: SessionStore, credentials: Credentials | None = None) -> FleetSession:
        """Return the session that the processes of a store share; a turn lasts two minutes."""
        return FleetSession(
            store,
            credentials or self.credentials,
            self.server.url,
            unreachable=(redis.RedisError,),
            now=wall_clock,
            sleep=time.sleep,
            monotonic=time.monotonic,
            turn_seconds=120.0,
        )

    @property
    def credentials(self) -> Credentials:
        """The credentials of the client."""
        known = self.exchange.sessions.client
        return Credentials(known.code, known.api_key, known.pin, known.totp_secret)

    def venue(self, preview: Preview, scrips: Scrips | None = None) -> AngelOneVenue:
        """Return the venue of a process that has seen no order yet; it searches by default."""
        return AngelOneVenue(
            self.client,
            Books(self.client, lambda _underlying: RATES),
            scrips=scrips or SearchedScrips(self.client.search),
            preview=preview,
            sleep=self.pauses.append,
            monotonic=time.monotonic,
            patience_seconds=60.0,
        )

    def begin_day(self) -> None:
        """Let the exchange begin a day without orders, at the quotes of the first one."""

        def begin(each: Exchange) -> None:
            each.orders.clear()
            each.matching.clear()
            each.quote_all(BID, ASK, 100 * LOT)

        self.server.do(begin)
        self.pauses.clear()

    def plan(self, fault: Fault, name: str, times: int = 1) -> None:
        """Let a fault befall the next requests of a name."""
        self.server.do(lambda each: each.faults.plan(fault, name, times))

    def requests(self, name: str) -> int:
        """Return how many requests of a kind were let in."""
        return sum(n for rate, n in self.exchange.throttle.let_in.items() if rate == name)


@contextmanager
def broker(made: Exchange | None = None, *, is_limited: bool = False) -> Iterator[Broker]:
    """Serve an exchange, by default without rate limits, and connect a client to it."""
    made = made or exchange()
    if not is_limited:
        made.throttle.limits = unlimited
    with ExchangeServer(made) as server:
        found = Broker(server)
        try:
            yield found
        finally:
            found.client.close()


def socket_endpoint(served: Broker) -> SocketEndpoint:
    """Return the market data socket of a served exchange, with a session of its own."""
    known = served.exchange.sessions.client
    login = served.server.do(lambda each: each.sessions._start(known.code))
    held = [Tokens(login.access, login.refresh, login.feed)]

    def renewed(_ended: Tokens) -> Tokens:
        fresh = served.server.do(lambda each: each.sessions.renew(held[-1].refresh))
        held.append(Tokens(fresh.access, fresh.refresh, fresh.feed))
        return held[-1]

    return SocketEndpoint(
        f"ws://{served.server.address}{market_socket.PATH}",
        Credentials(known.code, known.api_key, known.pin, known.totp_secret),
        lambda: held[-1],
        renewed,
    )
