"""The check of the clients' history against the database, in the manner of Jepsen's queue checker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from angel_x.adapters.postgres.evidence import StoredOrder
from angel_x.domain.orders.order import OrderStatus
from angel_x.rehearsal.clients import HttpClient
from angel_x.rehearsal.history import (
    Answered,
    Canceled,
    Entry,
    OrderContent,
    Outcome,
    Sent,
    Unseen,
)

#: An account and a client order id.
Name = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryCheck:
    """The result of a check; the lists name the orders that break it."""

    sent: int
    accepted: int
    refused: int
    #: Requests, not orders, without a known outcome.
    unknown_answers: int
    #: Orders that were accepted after an unknown answer.
    recovered: int
    #: Orders that were sent again after they had been accepted.
    repeated: int
    #: Accepted and not in the database.
    lost: Sequence[str]
    #: Two orders under one id, filled for more than its quantity, or an execution booked twice.
    doubled: Sequence[str]
    #: In the database with other content, although it was refused, or open after its cancellation
    #: was confirmed.
    unexpected: Sequence[str]
    #: In the database and never sent.
    phantom: Sequence[str]
    #: Accepted before the database showed them.
    premature: Sequence[str]
    #: Sent, and neither accepted nor refused.
    unresolved: Sequence[str]
    longest_seconds: float
    #: Requests that took longer than allowed.
    hung: Sequence[str]


@dataclass(slots=True)
class _Client:
    """The knowledge of all clients together."""

    contents: dict[Name, OrderContent] = field(default_factory=dict)
    calls: dict[tuple[str, int], Sent] = field(default_factory=dict)
    order_ids: dict[Name, set[str]] = field(default_factory=dict)
    accepted: Counter[Name] = field(default_factory=Counter)
    refused: set[Name] = field(default_factory=set)
    in_doubt: set[Name] = field(default_factory=set)
    canceled: dict[str, str] = field(default_factory=dict)
    premature: list[str] = field(default_factory=list)
    seconds: list[tuple[float, str]] = field(default_factory=list)
    unknown_answers: int = 0

    def learn(self, entry: Entry) -> None:
        match entry:
            case Sent():
                self.contents |= {(entry.user, name): c for name, c in entry.orders.items()}
                self.calls[entry.user, entry.call] = entry
            case Answered():
                self._learn_answer(entry, self.calls[entry.user, entry.call])
            case Canceled():
                self.seconds.append((entry.seconds, f"cancel {entry.order_id}"))
                if entry.outcome is Outcome.ACCEPTED:
                    self.canceled[entry.order_id] = entry.user
            case Unseen():
                self.premature += entry.order_ids

    def _learn_answer(self, entry: Answered, sent: Sent) -> None:
        # Only the API promises an answer in time.
        if sent.client == HttpClient.name:
            self.seconds.append((entry.seconds, f"{entry.user}/{entry.call}"))
        names = [(entry.user, name) for name in sent.orders]
        match entry.outcome:
            case Outcome.ACCEPTED:
                self.accepted.update(names)
                for name, order_id in entry.order_ids.items():
                    self.order_ids.setdefault((entry.user, name), set()).add(order_id)
            case Outcome.REFUSED:
                self.refused.update(names)
            case Outcome.UNKNOWN:
                self.unknown_answers += 1
                self.in_doubt.update(name for name in names if name not in self.accepted)


def check_history(
    entries: Iterable[Entry],
    stored: Iterable[StoredOrder],
    *,
    twice: Iterable[str] = (),
    patience: float = float("inf"),
) -> HistoryCheck:
    """Compare requests and answers with the stored orders.

    ``twice`` names duplicates that the database shows, such as executions; ``patience`` is the
    longest time of a request in seconds.
    """
    clients = _Client()
    for entry in entries:
        clients.learn(entry)
    rows: dict[Name, list[StoredOrder]] = {}
    for order in stored:
        rows.setdefault((order.user, order.client_order_id), []).append(order)
    answered = clients.accepted.keys() | clients.refused
    return HistoryCheck(
        sent=len(clients.contents),
        accepted=len(clients.accepted),
        refused=len(clients.refused - clients.accepted.keys()),
        unknown_answers=clients.unknown_answers,
        recovered=len(clients.in_doubt & clients.accepted.keys()),
        repeated=sum(count > 1 for count in clients.accepted.values()),
        lost=_named(name for name in clients.accepted if name not in rows),
        doubled=[*_doubled(clients, rows), *twice],
        unexpected=_unexpected(clients, rows),
        phantom=_named(name for name in rows if name not in clients.contents),
        premature=clients.premature,
        unresolved=_named(name for name in clients.contents if name not in answered),
        longest_seconds=max((seconds for seconds, _ in clients.seconds), default=0.0),
        hung=[
            f"{what}: {seconds:.1f} s" for seconds, what in clients.seconds if seconds > patience
        ],
    )


def _named(names: Iterable[Name]) -> list[str]:
    return sorted("/".join(name) for name in names)


def _doubled(clients: _Client, rows: Mapping[Name, Sequence[StoredOrder]]) -> list[str]:
    stored_twice = {name for name, orders in rows.items() if len(orders) > 1}
    promised_twice = {name for name, ids in clients.order_ids.items() if len(ids) > 1}
    other = {
        name
        for name, ids in clients.order_ids.items()
        if name in rows and ids.isdisjoint(order.order_id for order in rows[name])
    }
    overfilled = {
        name for name, orders in rows.items() if any(o.filled > o.content[2] for o in orders)
    }
    return _named(stored_twice | promised_twice | other | overfilled)


def _unexpected(clients: _Client, rows: Mapping[Name, Sequence[StoredOrder]]) -> list[str]:
    changed = {
        name
        for name, orders in rows.items()
        if (sent := clients.contents.get(name)) is not None
        and any(order.content != (sent.symbol, sent.side, sent.quantity) for order in orders)
    }
    refused = clients.refused & rows.keys()
    alive = {
        name
        for name, orders in rows.items()
        if any(o.order_id in clients.canceled and o.status != OrderStatus.CANCELED for o in orders)
    }
    return _named(changed | refused | alive)
