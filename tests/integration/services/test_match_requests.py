"""A feed asks for a match while orders rest in contracts that move, and saves the message otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from angel_x.bootstrap import Application
from config.queues import QueueName
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def asked(market: Market, *symbols: str) -> bool:
    """Return whether a move of these contracts puts a message on the queue of matches."""
    application = market.application
    universe = application.market.universes.current()
    rows = np.array([universe.rows[symbol] for symbol in symbols], np.int64)
    application.market.feed_ports.match(universe, rows)
    application.base.dispatcher.close()
    tasks = [
        json.loads(item)["headers"]["task"]
        for item in application.base.broker.lrange(QueueName.MATCHING, 0, -1)
    ]
    application.base.broker.delete(QueueName.MATCHING)
    return tasks == ["orders.match"]


def test_a_match_is_asked_for_where_an_order_rests_and_nowhere_else(market: Market) -> None:
    user, (symbol, other) = market.account(), market.symbols[:2]
    assert not asked(market, symbol, other)

    (order,) = market.accept(user, market.request(symbol=symbol, limit="80.00"))
    market.application.trading.execution.run([order.order_id])

    assert market.statuses()[order.order_id] == "working"
    assert asked(market, symbol, other)
    assert not asked(market, other)


def test_after_the_cache_was_wiped_the_periodic_match_notes_what_rests(market: Market) -> None:
    user, symbol = market.account(), market.symbols[0]
    (order,) = market.accept(user, market.request(symbol=symbol, limit="80.00"))
    market.application.trading.execution.run([order.order_id])
    market.application.base.cache.delete("ax:resting")
    assert not asked(market, symbol)

    market.application.trading.matching.run()

    assert asked(market, symbol)
