from __future__ import annotations

from sqlalchemy import Engine, text

from angel_x.adapters.postgres.reading import _ORDER


def test_the_fills_of_an_order_and_its_slices_are_found_by_their_orders(engine: Engine) -> None:
    """Reading one order must not cost more as others trade."""
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = text(f"EXPLAIN {_ORDER.text}")
        lines = connection.execute(plan, {"user_id": 1, "order_id": 1}).scalars().all()

    assert any(" on idx_fills_order" in line or " using idx_fills_order" in line for line in lines)
