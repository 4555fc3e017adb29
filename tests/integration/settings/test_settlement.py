"""How long a settlement waits for the exchange."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.builders.markets import standing_market
from tests.builders.orders import Market, contracts
from tests.integration.settings.conftest import Build


@pytest.mark.parametrize(("seconds", "settled"), [(0, 1), (3600, 0)])
def test_a_feed_settles_after_settlement_wait_seconds(
    built: Build, seconds: int, settled: int
) -> None:
    application = built(SETTLEMENT_WAIT_SECONDS=seconds, MARKET_HOURS="always")
    market = Market.open(application)
    (accepted,) = market.accept(market.account(), market.request())
    application.trading.execution.run([accepted.order_id])
    closes_at = contracts(application)[0].expires_at
    feed = standing_market(closes_at, application.base.clock())
    application.market.feed_ports.beacon.show(feed)
    application.base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)

    assert application.trading.settlement.run().positions == settled
