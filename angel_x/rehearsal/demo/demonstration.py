"""The steps of the demonstration against a running system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from threading import Lock

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.postgres.tally import Tally
from angel_x.adapters.resident import resident_bytes
from angel_x.bootstrap import Application
from angel_x.client import Client
from angel_x.domain.chains.chain_record import OptionChain
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.presentation.positions import marked
from angel_x.entrypoints.up.preparation import DEMO_USER, ensure_account
from angel_x.rehearsal import history
from angel_x.rehearsal.check import HistoryCheck, check_history
from angel_x.rehearsal.clients import HttpClient
from angel_x.rehearsal.demo.refusals import DemoRefusal, RequestParts, bad_requests, send
from angel_x.rehearsal.demo.report import AccountReport, Trading, promise_rules
from angel_x.rehearsal.demo.scenarios import DemoScenarios, ScenarioResult
from angel_x.rehearsal.demo.worker_kill import WorkerKill, kill_worker
from angel_x.rehearsal.history import Canceled, ClientHistory, Outcome
from angel_x.rehearsal.market import current_chain, instruments, near_the_money
from angel_x.rehearsal.orders import Instrument, Mix, make_requests
from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.session import Running
from angel_x.rehearsal.trader import TraderSetup, traders
from angel_x.rehearsal.waiting import NotFinished

#: The accounts and their opening cash; the last one cannot afford much.
ACCOUNTS: dict[str, Decimal] = {
    DEMO_USER: Decimal(10_000_000),
    "asha": Decimal(50_000_000),
    "bharat": Decimal(50_000_000),
    "chitra": Decimal(50_000_000),
    "dev": Decimal(50_000_000),
    "esha": Decimal(100_000),
}
#: Most requests hold one order, which makes a fifth of the orders single.
MIX = Mix(sizes={1: 22, 2: 1, 5: 1, 10: 1, 20: 1, 50: 1}, share_of_repeats=0.05)
_SHARE_OF_CANCELS = 0.08
#: The account of the scenarios; apart, so that its orders are not counted.
_SCENARIO_ACCOUNT = "farah"
_SCENARIO_CASH = Decimal(50_000_000)
#: Usual seconds for the answer to a bad request.
_ANSWER_SECONDS = 30.0
_WORKER = "worker-"
_ORDER_WORKER = f"{_WORKER}orders"
_TRADING, _DECIDED = "orders accepted", "orders decided"
_CANCELS = {Outcome.ACCEPTED: "canceled", Outcome.REFUSED: "too late"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSetup:
    """A running system and the size of its demonstration."""

    application: Application
    running: Running
    orders: int
    seed: int


class Demonstration:
    """One run.  Its steps are called in order, in one thread."""

    def __init__(self, setup: DemoSetup, patience: Patience) -> None:
        self._setup = setup
        self._patience = patience
        self._app = setup.application
        self._running = setup.running
        self._api_url = setup.running.system.addresses.api_url
        self._histories = setup.running.system.settings.home_path / "history"
        self._tally = Tally(setup.application.base.engine)
        self._settled = 0
        self._lock = Lock()
        self._user_ids: dict[str, int] = {}
        self._keys: dict[str, str] = {}

    def open_accounts(self) -> None:
        """Open the accounts and give each a key."""
        for name, cash in ACCOUNTS.items():
            account = ensure_account(self._app, name, cash)
            self._user_ids[name] = account.id
            self._keys[name] = self._app.people.access.issue(account.id, [Scope.TRADE])

    def await_market(self) -> OptionChain:
        """Return the chain as soon as the contracts around the money have quotes and Greeks.

        Raises:
            NotFinished: They have not come.
        """

        def unpriced() -> int:
            rows = near_the_money(current_chain(self._app))
            return sum(row.implied_vol is None for row in rows)

        subject = "Greeks around the money"
        if not self._patience.wait(subject, lambda: unpriced() == 0, progress=unpriced):
            raise NotFinished(f"{subject} were not published in time")
        return current_chain(self._app)

    def trade(self, chain: OptionChain) -> tuple[WorkerKill, list[DemoRefusal]]:
        """Let all accounts trade at once, kill a worker half way, and send bad requests."""
        tradable = instruments(self._app, chain)
        self._running.bars.begin(_TRADING, self._setup.orders)
        with ExitStack() as stack:
            work = [
                (self._trader(name, stack), list(make_requests(name, tradable, count, random, MIX)))
                for name, count, random in self._shares()
            ]
            with traders(work) as trading:
                self._await_accepted(trading, self._setup.orders // 2)
                killed = kill_worker(self._order_worker, self._patience, self._running.stop)
                refusals = self._send_bad_requests(tradable[0])
                self._await_accepted(trading, self._setup.orders)
                return killed, refusals

    def _await_accepted(self, trading: Sequence[Future[None]], count: int) -> None:
        """Wait until that many orders are accepted.

        Raises:
            NotFinished: No order is accepted any more.
        """
        subject = "the acceptance of orders"
        if not self._patience.wait(
            subject,
            lambda: self._settled >= count or all(each.done() for each in trading),
            progress=lambda: self._settled,
        ):
            # The traders would go on for ever.
            self._running.stop.set()
            raise NotFinished(f"{subject} stopped at {self._settled} of {self._setup.orders}")

    def _shares(self) -> list[tuple[str, int, Random]]:
        """Return how many orders each account sends, and its random numbers."""
        count, extra = divmod(self._setup.orders, len(ACCOUNTS))
        return [
            # The same orders for the same seed; nothing secret hangs on them.
            (name, count + (number < extra), Random(f"{self._setup.seed}-{name}"))  # noqa: S311
            for number, name in enumerate(ACCOUNTS)
        ]

    def _trader(self, name: str, stack: ExitStack) -> TraderSetup:
        client = stack.enter_context(Client(self._api_url, self._keys[name], retries=8))
        return TraderSetup(
            user=name,
            client=HttpClient(client),
            history=stack.enter_context(ClientHistory(self._histories / f"{name}.jsonl")),
            find_missing=None,
            cancel=client.cancel,
            share_of_cancels=_SHARE_OF_CANCELS,
            random=Random(f"{self._setup.seed}-cancels-{name}"),  # noqa: S311 - nothing secret
            stop=self._running.stop,
            advance=self._count,
        )

    def _count(self, orders: int) -> None:
        with self._lock:
            self._settled += orders
        self._running.bars.advance(_TRADING, orders)

    def _order_worker(self) -> int | None:
        return self._running.system.supervisor.pids().get(_ORDER_WORKER)

    def _send_bad_requests(self, instrument: Instrument) -> list[DemoRefusal]:
        """Send one bad request of every kind while the others trade."""
        user, other = list(ACCOUNTS)[:2]
        revoked = self._app.people.access.issue(self._user_ids[user], [Scope.TRADE])
        self._app.people.access.revoke(revoked.split("_")[1])
        mine, theirs = (self._any_order(name) for name in (user, other))
        parts = RequestParts(
            instrument=instrument,
            key=self._keys[user],
            revoked_key=revoked,
            foreign_order_id=theirs[0],
            known_order={"client_order_id": mine[1], "symbol": instrument.symbol, "side": "BUY"},
        )
        seconds = self._patience.seconds(_ANSWER_SECONDS)
        refusals = [send(request, self._api_url, seconds) for request in bad_requests(parts)]
        if not all(each.is_answered for each in refusals):
            self._patience.unfinished.append("the refusal of bad requests")
        return refusals

    def _any_order(self, user: str) -> tuple[str, str]:
        """Return the order id and the client order id of an order of an account."""
        with Client(self._api_url, self._keys[user]) as client:
            order = next(client.orders(page_size=1))
        return order.order_id, order.client_order_id

    def await_decisions(self) -> Trading:
        """Wait until every accepted order is decided, and return the figures."""
        checked = self._check()
        self._running.bars.begin(_DECIDED, checked.accepted)

        def is_done() -> bool:
            undecided = self._tally.undecided()
            self._running.bars.reach(_DECIDED, checked.accepted - undecided)
            return undecided == 0

        self._patience.wait("the decision of orders", is_done, progress=self._tally.undecided)
        return Trading(
            accepted=checked.accepted,
            replayed=checked.repeated,
            by_status=self._tally.by_status(),
            denials=self._tally.denials(),
            cancels=self._cancels(),
            seconds=self._tally.span_seconds(),
            latency=self._tally.latency(),
            undecided=self._tally.undecided(),
        )

    def _check(self) -> HistoryCheck:
        evidence = Evidence(self._app.base.engine)
        stored = (order for order in evidence.orders() if order.user in ACCOUNTS)
        twice = evidence.doubled_executions()
        return check_history(history.read(self._histories), stored, twice=twice)

    def _cancels(self) -> Mapping[str, int]:
        made = (e for e in history.read(self._histories) if isinstance(e, Canceled))
        return Counter(_CANCELS[each.outcome] for each in made if each.outcome in _CANCELS)

    def scenarios(self, chain: OptionChain) -> list[ScenarioResult]:
        """Run the scenarios of one account: stop, slices, kill switch, square-off."""
        account = ensure_account(self._app, _SCENARIO_ACCOUNT, _SCENARIO_CASH)
        key = self._app.people.access.issue(account.id, [Scope.TRADE])
        tradable = instruments(self._app, chain)
        instrument = tradable[len(tradable) // 2]
        universe = self._app.market.universes.current()
        freeze = universe.contracts[universe.rows[instrument.symbol]].freeze_quantity
        with Client(self._api_url, key) as client:
            return list(DemoScenarios(client, instrument, freeze, self._patience).results())

    def accounts(self) -> list[AccountReport]:
        """Return every account as the API shows it."""
        return [self._account(name) for name in ACCOUNTS]

    def _account(self, name: str) -> AccountReport:
        with Client(self._api_url, self._keys[name]) as client:
            return AccountReport(
                name=name,
                portfolio=client.portfolio(),
                positions=marked(client.positions(), self._app.analytics.option_chains.contracts),
            )

    def memory(self) -> Mapping[str, Mapping[str, object]]:
        """Return the memory of every process; workers, which report once a minute, are measured."""
        node, found = self._app.base.settings.node, {}
        for name, pid in self._running.system.supervisor.pids().items():
            resident = resident_bytes(pid) if name.startswith(_WORKER) else None
            if resident is not None:
                found[f"{node}/{name.removeprefix(_WORKER)}"] = (pid, resident)
        self._app.operations.memory.observe(found)
        return self._app.operations.memory.all()

    def invariants(self) -> Sequence[Invariant]:
        """Check the books, and the histories of the clients against them."""
        checked = self._check()
        return [
            *self._app.operations.invariants.check(self._app.base.market_clock()),
            *promise_rules(
                lost=checked.lost,
                doubled=checked.doubled,
                unknown=[*checked.phantom, *checked.unexpected],
            ),
        ]
