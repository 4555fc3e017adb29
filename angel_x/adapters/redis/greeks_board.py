"""The published Greeks and, beside them, the risk arrays of the same pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.redis.columnar_board import ColumnarBoard
from angel_x.adapters.redis.wire import exchange
from angel_x.domain.margin.risk_arrays import RISK_ROWS
from angel_x.domain.pricing.greek import GREEK_FIELDS

if TYPE_CHECKING:
    from redis import Redis

    from angel_x.domain.chains.published import Heads, Valued
    from angel_x.domain.contracts.universe import Universe


class RedisGreeksBoard(ColumnarBoard):
    """Greeks in edge units, in the order of :class:`~angel_x.domain.pricing.greek.GreekField`."""

    def __init__(self, client: Redis, ttl_seconds: int) -> None:
        super().__init__(client, name="greeks", fields=len(GREEK_FIELDS), ttl_seconds=ttl_seconds)


class RedisRiskBoard(ColumnarBoard):
    """Risk arrays in rupees, in the order of :mod:`angel_x.domain.margin.risk_arrays`."""

    def __init__(self, client: Redis, ttl_seconds: int) -> None:
        super().__init__(client, name="risk", fields=RISK_ROWS, ttl_seconds=ttl_seconds)


class RedisChainBoards:
    """Both boards, written together."""

    def __init__(self, client: Redis, greeks: RedisGreeksBoard, risk: RedisRiskBoard) -> None:
        self._client = client
        self._greeks = greeks
        self._risk = risk

    def write(self, universe: Universe, start: int, valued: Valued) -> None:
        """Write the chains from row ``start`` on, in one round trip; again writes the same bytes."""
        stamp = (valued.as_of_ms, valued.fingerprints)
        # The Greeks are written last: their heads mark a complete chain.
        exchange(
            self._client,
            self._risk.commands(universe, start, valued.risk, *stamp)
            + self._greeks.commands(universe, start, valued.greeks, *stamp),
        )

    def carry(self, before: Universe, universe: Universe) -> None:
        """Copy the published values of contracts of another universe to this one."""
        for board in (self._risk, self._greeks):
            board.carry(before, universe)

    def heads(self, universe: Universe) -> Heads:
        return self._greeks.heads(universe)
