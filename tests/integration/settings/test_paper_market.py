"""How the paper exchange fills, and how long an order is on its way there."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import pytest

from angel_x.bootstrap import Application
from angel_x.domain.exchange.slippage import Slippage
from tests.builders.orders import Market
from tests.integration.settings.conftest import Build

_PRICES = "SELECT order_id, price FROM fills ORDER BY order_id"


def bought(application: Application, name: str, count: int = 30) -> dict[int, Decimal]:
    """Buy some lots at an ask of 100.50 and return what was paid, by order."""
    market = Market.open(application)
    accepted = market.accept(market.account(name), *[market.request() for _ in range(count)])
    application.trading.execution.run([a.order_id for a in accepted])
    with application.base.engine.connect() as connection:
        paid: dict[int, Decimal] = {row[0]: row[1] for row in connection.exec_driver_sql(_PRICES)}
    return {a.order_id: paid[a.order_id] for a in accepted}


def expected(order_ids: Iterable[int], ticks: int, seed: int) -> list[Decimal]:
    ids = np.array([*order_ids], np.int64)
    slipped = Slippage(ticks, seed).ticks(ids, np.zeros(len(ids), np.int64))
    return [Decimal("100.50") + n * Decimal("0.05") for n in slipped.tolist()]


@pytest.mark.parametrize("ticks", [0, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_paper_slippage_ticks_and_paper_seed_decide_what_a_fill_costs(
    built: Build, ticks: int, seed: int
) -> None:
    paid = bought(built(PAPER_SLIPPAGE_TICKS=ticks, PAPER_SEED=seed), "a")

    assert [*paid.values()] == expected(paid, ticks, seed)
    assert len({*paid.values()}) == ticks + 1
    assert (expected(paid, ticks, seed=3) == [*paid.values()]) is (ticks == 0)


@pytest.mark.parametrize(
    ("fixed", "jitter", "least", "most"),
    [(0, 0, 0.0, 0.0), (30, 0, 0.03, 0.03), (30, 50, 0.03, 0.08)],
)
def test_orders_are_on_their_way_for_paper_latency_ms_and_up_to_paper_latency_jitter_ms(
    built: Build,
    monkeypatch: pytest.MonkeyPatch,
    fixed: int,
    jitter: int,
    least: float,
    most: float,
) -> None:
    slept: list[float] = []
    application = built(PAPER_LATENCY_MS=fixed, PAPER_LATENCY_JITTER_MS=jitter)
    monkeypatch.setattr(application.orders.venue, "_sleep", slept.append)

    assert [*bought(application, "a", count=3).values()] == [Decimal("100.50")] * 3

    assert len(slept) == (1 if fixed else 0)
    assert all(least <= seconds <= most for seconds in slept)
    assert all(seconds > least for seconds in slept if jitter)
