"""Refusals, redeliveries and results in memory; nothing of them expires."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec


@dataclass
class MemoryRefusals:
    """One problem for each account and client order id."""

    problems: dict[tuple[int, str], bytes] = field(default_factory=dict)

    def put(self, user_id: int, client_order_ids: Sequence[str], problem: object) -> None:
        """Keep a problem under each of those ids."""
        body = msgspec.json.encode(problem)
        self.problems |= {(user_id, client_order_id): body for client_order_id in client_order_ids}

    def get(self, user_id: int, client_order_id: str) -> bytes | None:
        """Return the problem as JSON, None where nothing was refused."""
        return self.problems.get((user_id, client_order_id))


@dataclass
class MemoryResults:
    """The results of messages, and the error with which the server ends every call."""

    results: dict[str, object] = field(default_factory=dict)
    failure: Exception | None = None
    calls: int = 0

    def put(self, message_id: str, result: object) -> None:
        """Keep a result."""
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        self.results[message_id] = json.loads(json.dumps(result))


@dataclass
class MemoryRedeliveries:
    """How often each message has come back."""

    attempts: Counter[str] = field(default_factory=Counter)

    def begin(self, message_id: str) -> int:
        """Count an attempt, and return how many there were with it."""
        self.attempts[message_id] += 1
        return self.attempts[message_id]

    def forgive(self, message_id: str) -> None:
        """Take an attempt back."""
        self.attempts[message_id] -= 1
