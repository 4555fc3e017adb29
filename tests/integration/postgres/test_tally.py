from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres.tally import Tally
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe

UNIVERSE = make_universe()
ACCEPTED = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
def accounts(engine: Engine) -> list[int]:
    list_contracts(engine, UNIVERSE)
    return open_accounts(engine, 2)


def store(
    engine: Engine,
    user_id: int,
    client_order_id: str,
    steps: Sequence[tuple[str, float]],
    priority: str = "normal",
    reason: str | None = None,
) -> None:
    """Store an order with its events: (status, seconds after acceptance), the last one standing."""
    status, seconds = steps[-1]
    closed = status in {"denied", "filled", "canceled"}
    at = ACCEPTED + timedelta(seconds=seconds)
    row = {
        "user_id": user_id,
        "client_order_id": client_order_id,
        "symbol": UNIVERSE.symbols[0],
        "filled": 65 if status == "filled" else 0,
        "priority": priority,
        "status": status,
        "reason": reason,
        "accepted": ACCEPTED,
        "closed": at if closed else None,
    }
    with engine.begin() as connection:
        order_id = connection.execute(
            text("""
            INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity,
                filled_quantity, order_type, validity, product, priority, status, reason, ring_at,
                valid_until, accepted_at, closed_at)
            VALUES (:user_id, :client_order_id, '', :symbol, 'BUY', 65, :filled, 'MARKET', 'DAY',
                'NRML', :priority, :status, :reason, :accepted, :accepted, :accepted, :closed)
            RETURNING id
            """),
            row,
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO order_events (order_id, status, actor, at) VALUES (:o, :s, 'test', :t)"
            ),
            [
                {"o": order_id, "s": name, "t": ACCEPTED + timedelta(seconds=after)}
                for name, after in [("received", 0.0), *steps]
            ],
        )


def test_an_empty_system_has_empty_figures(engine: Engine) -> None:
    tally = Tally(engine)

    assert (tally.by_status(), tally.denials(), tally.latency()) == ({}, {}, [])
    assert (tally.undecided(), tally.span_seconds()) == (0, 0.0)


def test_orders_are_counted_by_status_and_denials_by_reason(
    engine: Engine, accounts: list[int]
) -> None:
    user = accounts[0]
    store(engine, user, "a", [("filled", 1)])
    store(engine, user, "b", [("denied", 1)], reason="NO_QUOTE")
    store(engine, user, "c", [("denied", 1)], reason="INSUFFICIENT_MARGIN")
    store(engine, user, "d", [("denied", 1)], reason="INSUFFICIENT_MARGIN")

    tally = Tally(engine)

    assert tally.by_status() == {"denied": 3, "filled": 1}
    assert list(tally.denials().items()) == [("INSUFFICIENT_MARGIN", 2), ("NO_QUOTE", 1)]


def test_an_order_is_decided_by_the_first_thing_that_happens_to_it(
    engine: Engine, accounts: list[int]
) -> None:
    user = accounts[0]
    store(engine, user, "slow", [("working", 0.2), ("filled", 30)], "low")
    store(engine, user, "quick", [("filled", 0.004)], "emergency")

    latency = Tally(engine).latency()

    assert [(each.priority, each.p50_ms) for each in latency] == [
        ("emergency", 4.0),
        ("low", 200.0),
    ]


def test_the_span_ends_with_the_last_decision(engine: Engine, accounts: list[int]) -> None:
    store(engine, accounts[0], "a", [("filled", 0.5)])
    store(engine, accounts[1], "b", [("working", 2.5), ("canceled", 90)])

    assert Tally(engine).span_seconds() == 2.5


def test_what_is_received_is_undecided(engine: Engine, accounts: list[int]) -> None:
    store(engine, accounts[0], "a", [("received", 0)])
    store(engine, accounts[0], "b", [("working", 1)])

    assert Tally(engine).undecided() == 1
