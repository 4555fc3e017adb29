"""The shared ledger of a fleet without a local one beside it."""

from __future__ import annotations

from angel_x.adapters.redis.request_budget import RedisLedger
from angel_x.domain.exchange.request_budget import RequestAsk


class SharedAlone:
    def __init__(self, ledger: RedisLedger) -> None:
        self._ledger = ledger
        self.settle, self.leave = ledger.settle, ledger.leave

    def take(self, ask: RequestAsk) -> float:
        return self._ledger.take(ask)[0]
