"""The load of a rehearsal: accounts that trade over HTTP and over the message broker, each with a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Event

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.bootstrap import Application
from angel_x.client import Client
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.preparation import ensure_account
from angel_x.rehearsal.clients import HttpClient, MessageClient, OrderClient
from angel_x.rehearsal.history import ClientHistory
from angel_x.rehearsal.orders import Instrument, Mix, make_requests
from angel_x.rehearsal.trader import TraderSetup, Work
from angel_x.rehearsal.waiting import through_outages

#: Accounts that trade over HTTP; the last one cannot afford much.
_HTTP_ACCOUNTS = ("asha", "bharat", "chitra", "dev", "esha", "farah", "gita", "hari")
#: Accounts that trade over the message broker, and their share of the orders.
_MESSAGE_ACCOUNTS = ("ila", "jai")
_SHARE_OF_MESSAGES = 0.1
_CASH = Decimal(100_000_000_000)
_LITTLE_CASH = Decimal(100_000)
#: Every account with its opening cash in rupees.
ACCOUNTS: Mapping[str, Decimal] = {
    **dict.fromkeys((*_HTTP_ACCOUNTS, *_MESSAGE_ACCOUNTS), _CASH),
    _HTTP_ACCOUNTS[-1]: _LITTLE_CASH,
}
_SIZES = {1: 3, 2: 1, 5: 1, 10: 1, 20: 1, 50: 1}
_SHARE_OF_REPEATS = 0.1
_SHARE_OF_CANCELS = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Makes the traders of one rehearsal; their connections close with ``stack``."""

    application: Application
    addresses: Addresses
    #: Orders in all, and the minutes over which they are spread.
    orders: int
    minutes: float
    seed: int
    #: The folder of the histories.
    folder: Path
    #: Seconds that a request may take.
    timeout: float
    stop: Event
    #: Called with the number of orders of each answered request.
    advance: Callable[[int], None]
    stack: ExitStack

    def work(self, instruments: Sequence[Instrument]) -> Work:
        """Return every trader with the requests that it sends."""
        mix = Mix(
            sizes=_SIZES,
            share_of_repeats=_SHARE_OF_REPEATS,
            seconds=self.minutes * 60,
        )
        return [
            (
                self.trader(name),
                make_requests(name, instruments, count, self._random(f"load-{name}"), mix),
            )
            for name, count in self._shares().items()
        ]

    def trader(self, name: str) -> TraderSetup:
        """Open an account and the connections of its trader."""
        account = ensure_account(self.application, name, ACCOUNTS.get(name, _CASH))
        key = self.application.people.access.issue(account.id, [Scope.TRADE, Scope.READ])
        connected = Client(self.addresses.api_url, key, timeout_seconds=self.timeout + 1, retries=0)
        client = self.stack.enter_context(connected)
        return TraderSetup(
            user=name,
            client=self._order_client(name, key, client),
            history=self.stack.enter_context(ClientHistory(self.folder / f"{name}.jsonl")),
            find_missing=self._missing,
            cancel=client.cancel,
            share_of_cancels=_SHARE_OF_CANCELS,
            random=self._random(f"cancels-{name}"),
            stop=self.stop,
            advance=self.advance,
        )

    def _missing(self, order_ids: Sequence[int]) -> set[int]:
        """Return the ids that no stored order has; wait while the database is unavailable."""
        evidence = Evidence(self.application.base.engine)
        return through_outages(lambda: evidence.missing(order_ids), self.stop)

    def _order_client(self, name: str, key: str, client: Client) -> OrderClient:
        if name not in _MESSAGE_ACCOUNTS:
            return HttpClient(client)
        message = MessageClient(client, name, key, self.addresses.broker_redis_url)
        return self.stack.enter_context(closing(message))

    def _shares(self) -> dict[str, int]:
        """Return how many orders each account sends."""
        by_message = round(self.orders * _SHARE_OF_MESSAGES)
        return {
            **_shared(self.orders - by_message, _HTTP_ACCOUNTS),
            **_shared(by_message, _MESSAGE_ACCOUNTS),
        }

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed}-{purpose}")  # noqa: S311 - nothing secret


def _shared(orders: int, names: Sequence[str]) -> dict[str, int]:
    count, extra = divmod(orders, len(names))
    return {name: count + (number < extra) for number, name in enumerate(names)}
