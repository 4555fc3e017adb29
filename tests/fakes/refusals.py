"""Refusals, redeliveries and results in memory; nothing of them expires."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from angel_x.domain.records.refusal import RefusalRecord


@dataclass
class MemoryRefusals:
    """One refusal for each account and client order id, and for each message."""

    refusals: dict[tuple[int, str], RefusalRecord] = field(default_factory=dict)
    messages: dict[tuple[int, str], RefusalRecord] = field(default_factory=dict)

    def put(self, user_id: int, client_order_ids: Sequence[str], refusal: RefusalRecord) -> None:
        """Keep a refusal under each of those ids and under its message."""
        self.refusals |= {(user_id, each): refusal for each in client_order_ids}
        self.messages[user_id, refusal.message_id] = refusal

    def get(self, user_id: int, client_order_id: str) -> RefusalRecord | None:
        """Return the last refusal, None where nothing was refused."""
        return self.refusals.get((user_id, client_order_id))

    def of_message(self, user_id: int, message_id: str) -> RefusalRecord | None:
        """Return the refusal of a message of an account, None where it was not refused."""
        return self.messages.get((user_id, message_id))


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
