"""What emergency orders would close: positions, less what is on offer and what waits."""

from __future__ import annotations

import pytest

from angel_x.adapters.postgres import emergency_exposures
from angel_x.adapters.postgres.emergency_exposures import EmergencyExposures
from angel_x.bootstrap import Application
from angel_x.domain.book.account import Exposure
from angel_x.domain.orders.order import Priority, Side
from tests.builders.orders import Market

LOT = 65


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def hold(market: Market, user: int, lots: int) -> None:
    (accepted,) = market.accept(user, market.request(quantity=lots * LOT))
    market.application.trading.execution.run([accepted.order_id])


def test_waiting_emergencies_and_resting_orders_take_up_a_position(market: Market) -> None:
    user, other = market.account(), market.account("other")
    symbol, unheld = market.symbols[:2]
    hold(market, user, 5)
    (resting,) = market.accept(user, market.request(Side.SELL, limit="120.00"))
    market.application.trading.execution.run([resting.order_id])
    for urgent in (Side.SELL, Side.SELL, Side.BUY):
        market.accept(user, market.request(urgent, priority=Priority.EMERGENCY))
    market.accept(user, market.request(Side.SELL))

    read = EmergencyExposures(market.application.base.engine).read
    found = read([(user, symbol), (user, unheld), (other, symbol)])

    assert found == {
        (user, symbol): Exposure(user, symbol, 5 * LOT, LOT, 3 * LOT),
        (user, unheld): Exposure(user, unheld),
        (other, symbol): Exposure(other, symbol),
    }


def test_an_account_with_many_waiting_emergencies_has_no_position_to_close(market: Market) -> None:
    most = emergency_exposures._MOST_WAITING
    user = market.account()
    hold(market, user, 5)
    read = EmergencyExposures(market.application.base.engine).read
    place = user, market.symbols[0]

    market.accept(user, *[market.request(priority=Priority.EMERGENCY) for _ in range(most - 1)])
    assert read([place])[place].net_quantity == 5 * LOT
    market.accept(user, market.request(priority=Priority.EMERGENCY))
    assert read([place])[place].net_quantity == 0
