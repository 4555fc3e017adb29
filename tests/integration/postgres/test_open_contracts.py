from __future__ import annotations

from angel_x.adapters.postgres.open_contracts import OpenContracts
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Side
from tests.builders.orders import Market


def test_contracts_that_are_held_or_rest_are_open_until_they_are_neither(
    application: Application,
) -> None:
    market = Market.open(application)
    user, find = market.account(), OpenContracts(application.base.engine).find
    run = application.trading.execution.run

    def trade(side: Side, limit: str | None = None) -> None:
        run([each.order_id for each in market.accept(user, market.request(side, limit=limit))])

    assert find() == []
    trade(Side.BUY)
    assert find() == [market.symbols[0]]
    trade(Side.SELL)
    assert find() == []
    trade(Side.BUY, "95.00")
    assert find() == [market.symbols[0]]
