"""The demonstration itself, against a system that runs: trade, break, wait, look."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from threading import Event

from angel_x.adapters.postgres.tally import Tally
from angel_x.adapters.resident import resident_bytes
from angel_x.bootstrap import Application
from angel_x.client import Client
from angel_x.domain.chains.option_chain import ContractGreeks, OptionChain
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.presentation.chains import around_the_money
from angel_x.entrypoints.presentation.positions import mark_price, marked
from angel_x.entrypoints.up.preparation import DEMO_USER, ensure_account
from angel_x.errors import AngelXError
from angel_x.rehearsal.demo.promises import Promises
from angel_x.rehearsal.demo.refusals import Circumstances, Refusal, bad_requests, send
from angel_x.rehearsal.demo.report import Account, Trading, promise_rules
from angel_x.rehearsal.demo.scenarios import Feat, Feats
from angel_x.rehearsal.demo.trader import Trader
from angel_x.rehearsal.demo.worker_kill import Strike, strike
from angel_x.rehearsal.orders import Call, Instrument, make_calls
from angel_x.rehearsal.progress import Bars

#: The accounts and what they begin with; the last one cannot afford much.
ACCOUNTS: dict[str, Decimal] = {
    DEMO_USER: Decimal(10_000_000),
    "asha": Decimal(50_000_000),
    "bharat": Decimal(50_000_000),
    "chitra": Decimal(50_000_000),
    "dev": Decimal(50_000_000),
    "esha": Decimal(100_000),
}
#: Who does single things by hand, when all others are done; apart, so that its orders are not counted.
_SOLOIST = "farah"
_SOLOIST_CASH = Decimal(50_000_000)
_STRIKES = 6
#: Seconds until every accepted order has to be decided.
_PATIENCE = 60.0
_GLANCE = 0.05
_WORKER = "worker-"
_ORDER_WORKER = f"{_WORKER}orders"
_TRADING, _DECIDED = "orders accepted", "orders decided"


class Interrupted(AngelXError):
    """The demonstration was told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the demonstration works with."""

    application: Application
    api_url: str
    orders: int
    seed: int
    #: The process ids of the programs that run now, by name.
    pids: Callable[[], Mapping[str, int]]
    bars: Bars
    stop: Event


class Show:
    """One run.  Its steps are called in order, in one thread."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._app = stage.application
        self._tally = Tally(stage.application.base.engine)
        self.promises = Promises()
        self._user_ids: dict[str, int] = {}
        self._keys: dict[str, str] = {}

    def open_accounts(self) -> None:
        """Open the accounts and give each a key."""
        for name, cash in ACCOUNTS.items():
            account = ensure_account(self._app, name, cash)
            self._user_ids[name] = account.id
            self._keys[name] = self._app.people.access.issue(account.id, [Scope.TRADE])

    def await_market(self) -> OptionChain:
        """Return the chain as soon as the contracts around the money have quotes and Greeks."""
        underlying = self._app.market.universes.current().underlyings[0]

        def is_alive() -> bool:
            rows = self._near(self._app.analytics.option_chains.chain(underlying))
            return all(row.implied_vol is not None for row in rows)

        self._await(is_alive)
        return self._app.analytics.option_chains.chain(underlying)

    def _near(self, chain: OptionChain) -> list[ContractGreeks]:
        pairs = around_the_money(chain.rows, chain.spot, _STRIKES)
        return [row for _, call, put in pairs for row in (call, put) if row is not None]

    def trade(self, chain: OptionChain) -> tuple[Strike, list[Refusal]]:
        """Let all clients trade at once, strike in the middle, and send what must be refused."""
        instruments = self._instruments(chain)
        self._stage.bars.begin(_TRADING, self._stage.orders)
        with (
            ThreadPoolExecutor(len(ACCOUNTS), thread_name_prefix="trader") as pool,
            ExitStack() as s,
        ):
            trading = [
                pool.submit(self._trader(name, s).trade, calls, self._stage.stop)
                for name, calls in self._calls(instruments).items()
            ]
            struck = self._strike_half_way(trading)
            refusals = self._send_bad_requests(instruments[0])
            for each in trading:
                each.result()
        return struck, refusals

    def _instruments(self, chain: OptionChain) -> list[Instrument]:
        universe = self._app.market.universes.current()
        found = []
        for row in self._near(chain):
            contract = universe.contracts[universe.rows[row.symbol]]
            mark = mark_price(row)
            if mark is not None:
                found.append(Instrument(row.symbol, contract.lot_size, contract.tick_size, mark))
        return found

    def _calls(self, instruments: Sequence[Instrument]) -> dict[str, list[Call]]:
        """Share the orders out."""
        count, extra = divmod(self._stage.orders, len(ACCOUNTS))
        calls = {}
        for number, name in enumerate(ACCOUNTS):
            share = count + (number < extra)
            # The same orders for the same seed; nothing secret hangs on them.
            random = Random(f"{self._stage.seed}-{name}")  # noqa: S311
            calls[name] = list(make_calls(name, instruments, share, random))
        return calls

    def _trader(self, name: str, stack: ExitStack) -> Trader:
        client = stack.enter_context(Client(self._stage.api_url, self._keys[name], retries=8))
        bars = self._stage.bars
        return Trader(name, client, self.promises, lambda by: bars.advance(_TRADING, by))

    def _strike_half_way(self, trading: Sequence[Future[None]]) -> Strike:
        half = self._stage.orders // 2
        self._await(lambda: self.promises.count >= half or all(each.done() for each in trading))
        return strike(lambda: self._stage.pids().get(_ORDER_WORKER))

    def _send_bad_requests(self, instrument: Instrument) -> list[Refusal]:
        """Send one bad request of every kind while the others trade."""
        user, other = list(ACCOUNTS)[:2]
        revoked = self._app.people.access.issue(self._user_ids[user], [Scope.TRADE])
        self._app.people.access.revoke(revoked.split("_")[1])
        mine, theirs = self.promises.accepted[user], self.promises.accepted[other]
        known = next(iter(mine))
        circumstances = Circumstances(
            instrument=instrument,
            key=self._keys[user],
            revoked_key=revoked,
            foreign_order_id=next(iter(theirs.values())),
            known_order={
                "client_order_id": known,
                "symbol": instrument.symbol,
                "side": "BUY",
            },
        )
        requests = list(bad_requests(circumstances))
        return [send(request, self._stage.api_url) for request in requests]

    def await_decisions(self) -> Trading:
        """Wait until every accepted order is decided, and return the figures."""
        bars, accepted = self._stage.bars, self.promises.count
        bars.begin(_DECIDED, accepted)

        def is_done() -> bool:
            undecided = self._tally.undecided()
            bars.reach(_DECIDED, accepted - undecided)
            return undecided == 0

        self._await(is_done)
        return Trading(
            accepted=accepted,
            replayed=self.promises.replays,
            by_status=self._tally.by_status(),
            denials=self._tally.denials(),
            cancels=dict(self.promises.cancels),
            seconds=self._tally.span_seconds(),
            latency=self._tally.latency(),
            undecided=self._tally.undecided(),
        )

    def feats(self, chain: OptionChain) -> list[Feat]:
        """Let one account show what an order and an account can do beside trading."""
        account = ensure_account(self._app, _SOLOIST, _SOLOIST_CASH)
        key = self._app.people.access.issue(account.id, [Scope.TRADE])
        instruments = self._instruments(chain)
        instrument = instruments[len(instruments) // 2]
        universe = self._app.market.universes.current()
        freeze = universe.contracts[universe.rows[instrument.symbol]].freeze_quantity
        with Client(self._stage.api_url, key) as client:
            return list(Feats(client, instrument, freeze, self._await).perform())

    def accounts(self) -> list[Account]:
        """Return every account as the API shows it."""
        return [self._account(name) for name in ACCOUNTS]

    def _account(self, name: str) -> Account:
        with Client(self._stage.api_url, self._keys[name]) as client:
            return Account(
                name=name,
                portfolio=client.portfolio(),
                positions=marked(client.positions(), self._app.analytics.option_chains),
            )

    def memory(self) -> Mapping[str, Mapping[str, object]]:
        """Return the memory of every process; what reports itself only once a minute is looked at."""
        node, found = self._app.base.settings.node, {}
        for name, pid in self._stage.pids().items():
            resident = resident_bytes(pid) if name.startswith(_WORKER) else None
            if resident is not None:
                found[f"{node}/{name.removeprefix(_WORKER)}"] = (pid, resident)
        self._app.operations.memory.observe(found)
        return self._app.operations.memory.all()

    def invariants(self) -> list[Invariant]:
        """Check the books, and the promises against them."""
        matches = [
            self._tally.match(self._user_ids[name], self.promises.accepted[name])
            for name in ACCOUNTS
        ]
        return [
            *self._app.operations.invariants.check(self._app.base.market_clock()),
            *promise_rules(
                lost=[each for match in matches for each in match.lost],
                doubled=[*self.promises.broken, *(e for match in matches for e in match.doubled)],
                unknown=[each for match in matches for each in match.unknown],
            ),
        ]

    def _await(self, condition: Callable[[], bool], seconds: float = _PATIENCE) -> None:
        """Wait for a condition, or until the patience is over: the report then says what lacks.

        Raises:
            Interrupted: Somebody said to stop.
        """
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            if self._stage.stop.wait(_GLANCE):
                raise Interrupted("the demonstration was told to stop")
