"""What the API writes in one commit."""

from __future__ import annotations

import asyncio

import pytest

from angel_x.bootstrap import Application
from angel_x.entrypoints.api.application import create_app
from angel_x.services.intake.acceptance import Submission
from tests.builders.orders import Market
from tests.integration.settings.conftest import Build

DEADLINE_SECONDS = 120


async def submit_one_by_one(market: Market, names: str) -> None:
    """Hand in orders while the first commit is held up by a lock, then let go."""
    app, user = create_app(market.application), market.account()
    async with asyncio.timeout(DEADLINE_SECONDS), app.router.lifespan_context(app):
        with market.application.base.engine.begin() as blocker:
            blocker.exec_driver_sql("LOCK TABLE orders IN SHARE MODE")
            answers = []
            for name in names:
                submission = Submission(user, (market.request(client_order_id=name),))
                accepting = app.state.group_commit.accept(submission)
                answers.append(asyncio.create_task(accepting))
                await _turns()
        await asyncio.gather(*answers)


async def _turns() -> None:
    """Let everything that is ready in the loop run."""
    for _ in range(5):
        await asyncio.sleep(0)


def commits(application: Application) -> list[str]:
    """Return the names of the orders that one transaction wrote, for each transaction."""
    with application.base.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT string_agg(client_order_id, '' ORDER BY id) FROM orders GROUP BY xmin::text"
        )
        return sorted(rows.scalars())


@pytest.mark.parametrize(
    ("size", "milliseconds", "expected"),
    [(2, 5_000, ["a", "bc"]), (1, 5_000, ["a", "b", "c"]), (2, 0, ["a", "b", "c"])],
    ids=["waits", "is full", "waits no longer"],
)
def test_order_batch_size_and_order_batch_timeout_ms_end_the_wait_for_company(
    built: Build, size: int, milliseconds: int, expected: list[str]
) -> None:
    application = built(
        "api", ORDER_BATCH_SIZE=size, ORDER_BATCH_TIMEOUT_MS=milliseconds, DB_POOL_SIZE=4
    )
    market = Market.open(application)

    asyncio.run(submit_one_by_one(market, "abc"))

    assert commits(application) == expected
