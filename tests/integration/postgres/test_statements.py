"""What an account reads about itself: every column, and nothing of another account."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from angel_x.adapters.postgres.reading import PostgresStatements
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.order_record import EventRecord, FillRecord, OrderFilter
from angel_x.domain.records.statement import Period, PositionRecord, TradeRecord
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.stored import UNIVERSE, A, B, C, insert, insert_order, select

if TYPE_CHECKING:
    from sqlalchemy import Engine

ACCEPTED = datetime(2026, 8, 19, 4, 0, tzinfo=UTC)
FAR = 10**9


@pytest.fixture
def users(engine: Engine) -> list[int]:
    list_contracts(engine, UNIVERSE)
    return open_accounts(engine, 3)


@pytest.fixture
def read(engine: Engine) -> PostgresStatements:
    return PostgresStatements(engine)


def insert_basket(engine: Engine, user_id: int, key: str) -> int:
    insert(engine, "workflows", user_id=user_id, kind="basket", key=key, spec="{}", request_hash=b"\0",
           actor="t")  # fmt: skip
    [(number,)] = select(engine, "SELECT max(id) FROM workflows")
    return int(number)


def rich_order(engine: Engine, user_id: int) -> tuple[int, int]:
    """Store an order in which no two columns say the same; return its id and that of its parent."""
    parent = insert_order(engine, user_id, "parent", slices=1, held=True)
    basket = insert_basket(engine, user_id, "spread-7")
    columns: dict[str, Any] = {
        "symbol": B, "side": "SELL", "quantity": 195, "filled_quantity": 65, "order_type": "SL",
        "limit_price": "12.35", "trigger_price": "12.40", "validity": "IOC", "product": "MIS",
        "priority": "high", "tag": "hedge", "status": "canceled", "reason": "REQUESTED",
        "average_price": "12.4567", "accepted_at": ACCEPTED, "parent_id": parent,
        "updated_at": ACCEPTED + timedelta(seconds=1), "basket_id": basket,
        "closed_at": ACCEPTED + timedelta(seconds=2),
    }  # fmt: skip
    return insert_order(engine, user_id, "rich", **columns), parent


def test_an_order_is_read_column_by_column(
    engine: Engine, users: list[int], read: PostgresStatements
) -> None:
    order_id, parent = rich_order(engine, users[1])
    expected = {
        "order_id": str(order_id), "client_order_id": "rich", "symbol": B, "side": "SELL",
        "quantity": 195, "filled_quantity": 65, "order_type": "SL", "price": Decimal("12.35"),
        "trigger_price": Decimal("12.40"), "validity": "IOC", "product": "MIS",
        "priority": "high", "tag": "hedge", "status": "canceled", "reason": "REQUESTED",
        "average_price": Decimal("12.4567"), "accepted_at": ACCEPTED,
        "updated_at": ACCEPTED + timedelta(seconds=1),
        "closed_at": ACCEPTED + timedelta(seconds=2), "parent_id": str(parent),
        "basket_id": "spread-7",
    }  # fmt: skip

    [listed] = read.orders(users[1], OrderFilter(parent_id=parent), FAR, 10)
    alone, by_name = read.order(users[1], order_id), read.order_of_client(users[1], "rich")
    whole = read.order(users[1], parent)

    assert asdict(listed) == expected
    assert alone is not None
    assert whole is not None
    assert {k: v for k, v in asdict(alone).items() if k in expected} == expected
    assert by_name == alone
    assert whole.slices == (listed,)
    assert (alone.events, alone.fills, alone.slices) == ((), (), ())
    for other in (users[0], users[2]):
        assert read.order(other, order_id) is None
        assert read.order_of_client(other, "rich") is None
        assert read.orders(other, OrderFilter(parent_id=parent), FAR, 10) == []


def test_a_history_has_the_events_and_fills_of_the_order_and_its_slices_in_order(
    engine: Engine, users: list[int], read: PostgresStatements
) -> None:
    user = users[1]
    parent = insert_order(engine, user, "parent", slices=2, held=True)
    first, second = (insert_order(engine, user, n, parent_id=parent) for n in ("s1", "s2"))
    other = insert_order(engine, user, "other")
    # Its row lies behind that of the second now.
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET ring_at = now() WHERE id = :id"), {"id": first})
    for number, (order_id, status, reason, detail) in enumerate(
        [
            (parent, "received", None, None),
            (first, "working", "NOT SHOWN", "x"),
            (parent, "working", "AMENDED", "price 1 → 2"),
            (parent, "canceled", "REQUESTED", "internal"),
        ]
    ):
        insert(engine, "order_events", order_id=order_id, status=status, reason=reason,
               actor=f"actor {number}", attempt=number, detail=detail,
               at=ACCEPTED - timedelta(seconds=number))  # fmt: skip
    for number, order_id in enumerate([second, first, other, second]):
        insert(engine, "fills", execution_id=f"x{number}", order_id=order_id, user_id=user, symbol=A,
               side="BUY", quantity=number + 1, price=f"10.{number}5",
               at=ACCEPTED - timedelta(seconds=number))  # fmt: skip

    found = read.order(user, parent)

    def ago(seconds: int) -> datetime:
        return ACCEPTED - timedelta(seconds=seconds)

    assert found is not None
    assert found.events == (
        EventRecord(status=OrderStatus.RECEIVED, actor="actor 0", reason=None, at=ago(0)),
        EventRecord(status=OrderStatus.WORKING, actor="actor 2", reason="AMENDED", at=ago(2), attempt=2,
                    detail="price 1 → 2"),
        EventRecord(status=OrderStatus.CANCELED, actor="actor 3", reason="REQUESTED", at=ago(3),
                    attempt=3),
    )  # fmt: skip
    assert found.fills == tuple(
        FillRecord(execution_id=f"x{n}", quantity=n + 1, price=Decimal(f"10.{n}5"), at=ago(n))
        for n in (0, 1, 3)
    )
    assert [s.client_order_id for s in found.slices] == ["s1", "s2"]


def test_orders_are_listed_newest_first_by_what_is_asked(
    engine: Engine, users: list[int], read: PostgresStatements
) -> None:
    user, stranger = users[:2]
    basket = insert_basket(engine, user, "b1")
    insert_basket(engine, stranger, "b1")
    stored: dict[str, dict[str, Any]] = {
        "plain": {},
        "canceled": {"status": "canceled", "closed_at": ACCEPTED},
        "other contract": {"symbol": C},
        "leg": {"basket_id": basket},
        "whole": {"slices": 1, "held": True},
    }
    ids = {
        name: insert_order(engine, user, name, accepted_at=ACCEPTED + timedelta(n), **columns)
        for n, (name, columns) in enumerate(stored.items())
    }
    insert_order(engine, user, "slice", parent_id=ids["whole"])
    insert_order(engine, stranger, "plain")

    def names(before: int = FAR, limit: int = 10, **wanted: Any) -> list[str]:
        found = read.orders(user, OrderFilter(**wanted), before, limit)
        return [record.client_order_id for record in found]

    assert names() == ["whole", "leg", "other contract", "canceled", "plain"]
    assert names(limit=2) == ["whole", "leg"]
    assert names(before=ids["leg"]) == ["other contract", "canceled", "plain"]
    assert names(status=OrderStatus.CANCELED) == ["canceled"]
    assert names(symbol=C) == ["other contract"]
    assert names(client_order_id="plain") == ["plain"]
    assert names(since=ACCEPTED + timedelta(3)) == ["whole", "leg"]
    assert names(parent_id=ids["whole"]) == ["slice"]
    assert names(basket_id="b1") == ["leg"]
    assert names(status=OrderStatus.CANCELED, symbol=C) == []


def test_open_positions_are_read_newest_first_with_the_greeks_of_their_contract(
    engine: Engine, users: list[int], read: PostgresStatements
) -> None:
    user, stranger = users[:2]
    rows = [(user, A, "OPEN", 65, "650.05"), (user, B, "OPEN", -130, "-99.00"),
            (user, C, "CLOSED", 0, "0"), (stranger, C, "OPEN", 5, "1.00")]  # fmt: skip
    for number, (owner, symbol, status, quantity, cost) in enumerate(rows):
        insert(engine, "positions", user_id=owner, portfolio_id=owner, symbol=symbol, product="MIS",
               status=status, quantity=quantity, cost=cost, realised_pnl=f"{number}.25",
               entry_time=ACCEPTED + timedelta(number),
               exit_time=ACCEPTED if status == "CLOSED" else None)  # fmt: skip
    insert(engine, "greeks_snapshot", symbol=A, implied_vol=9, price=8, delta=0.1, gamma=0.2,
           vega=0.3, theta=-0.4, rho=7, as_of=ACCEPTED)  # fmt: skip

    first, second = read.positions(user, ACCEPTED.date())

    assert (first.symbol, first.product, first.quantity, first.cost) == (
        B, "MIS", -130, Decimal("-99.00"))  # fmt: skip
    assert (first.delta, first.greeks_as_of) == (None, None)
    [(number,)] = select(engine, f"SELECT id FROM positions WHERE symbol = '{A}'")
    assert second == PositionRecord(
        id=str(number), symbol=A, product=first.product, quantity=65, cost=Decimal("650.05"),
        realised_pnl=Decimal("0.25"), entry_time=ACCEPTED, delta=0.1, gamma=0.2, vega=0.3,
        theta=-0.4, greeks_as_of=ACCEPTED,
    )  # fmt: skip


def test_round_trips_of_a_day_are_read_newest_first(
    engine: Engine, users: list[int], read: PostgresStatements
) -> None:
    user, stranger = users[:2]
    [(now,)] = select(engine, "SELECT now()")
    for owner, symbol, hours in ((user, A, 23), (user, B, 1), (user, C, 25), (stranger, C, 1)):
        insert(engine, "trades", user_id=owner, symbol=symbol, status="CLOSED", side="SELL",
               quantity=65, entry_price="10.1234", exit_price="9.4321", realised_pnl="44.93",
               created_at=now - timedelta(30), closed_at=now - timedelta(hours=hours))  # fmt: skip
    insert(engine, "trades", user_id=user, symbol=C, status="OPEN", side="BUY", quantity=1,
           entry_price="1")  # fmt: skip

    first, second = read.trades(user, Period(), {}, 1000)

    assert first.symbol == B
    [(number,)] = select(engine, f"SELECT id FROM trades WHERE symbol = '{A}'")
    assert second == TradeRecord(
        id=str(number), symbol=A, side=first.side, quantity=65, entry_price=Decimal("10.1234"),
        exit_price=Decimal("9.4321"), realised_pnl=Decimal("44.93"),
        closed_at=now - timedelta(hours=23),
    )  # fmt: skip
    assert second.side == "SELL"
