"""The store of paper twins: the database and its fake are alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.paper_twins import PostgresTwins
from angel_x.domain.orders.order import Order, OrderStatus, OrderType, Priority, Side, Validity
from angel_x.services.trading.paper_twins import TwinStore
from tests.fakes.twins import MemoryTwins

AT = datetime(2026, 8, 19, 4, tzinfo=UTC)
NEAR, FAR = "NIFTY_25AUG26_24000CE", "NIFTY_25AUG26_24100CE"


@pytest.fixture(params=["fake", "real"])
def store(request: pytest.FixtureRequest) -> TwinStore:
    if request.param == "fake":
        return MemoryTwins()
    return PostgresTwins(request.getfixturevalue("engine"))


def twin(number: int, symbol: str = NEAR, status: OrderStatus = OrderStatus.WORKING) -> Order:
    return Order(
        id=number,
        user_id=7,
        symbol=symbol,
        side=Side.SELL,
        quantity=130,
        filled_quantity=0,
        order_type=OrderType.STOP_LIMIT,
        limit_price=Decimal("99.50"),
        trigger_price=Decimal("99.55"),
        validity=Validity.DAY,
        priority=Priority.NORMAL,
        status=status,
        valid_until=AT + timedelta(hours=6),
        client_order_id="",
        time_priority=number + 10,
        others_rest=False,
    )


def test_open_twins_are_read_as_they_were_saved_the_oldest_first(store: TwinStore) -> None:
    near, far = twin(2), twin(1, FAR, OrderStatus.TRIGGER_PENDING)
    ended = twin(3, status=OrderStatus.CANCELED)
    with store.begin() as unit:
        unit.save([near, far, ended], AT)
        unit.save([], AT)

    with store.begin() as unit:
        assert unit.open() == [far, near]
        assert unit.open({NEAR}) == [near]
        assert unit.open(set()) == []
        assert unit.known([1, 3, 4]) == {1, 3}
        assert unit.canceled() == set()


def test_a_saved_twin_replaces_its_former_state(store: TwinStore) -> None:
    first = twin(1)
    moved = replace(
        first,
        quantity=195,
        filled_quantity=65,
        traded_value=Decimal("6467.50"),
        status=OrderStatus.PARTIALLY_FILLED,
        limit_price=Decimal("99.40"),
        trigger_price=None,
    )
    with store.begin() as unit:
        unit.save([first], AT)

    with store.begin() as unit:
        unit.save([moved], AT + timedelta(seconds=1))

    with store.begin() as unit:
        assert unit.open() == [moved]


def test_a_transaction_that_raises_keeps_nothing(store: TwinStore) -> None:
    def broken() -> None:
        with store.begin() as unit:
            unit.save([twin(1)], AT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()

    with store.begin() as unit:
        assert unit.open() == []


def test_two_transactions_in_one_database_are_never_open_at_once(
    migrated_url: str, engine: Engine
) -> None:
    hasty = make_engine(migrated_url, pool_size=1, max_pool_size=1, lock_seconds=0.1)
    try:
        with (
            PostgresTwins(engine).begin(),
            pytest.raises(OperationalError, match="lock timeout"),
            PostgresTwins(hasty).begin(),
        ):
            pass
        with PostgresTwins(hasty).begin() as other:
            assert other.open() == []
    finally:
        hasty.dispose()
