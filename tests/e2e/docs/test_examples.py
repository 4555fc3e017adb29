"""What the README shows, done on a running system."""

from __future__ import annotations

import re
import sys
from decimal import Decimal

import pytest

from angel_x import Client
from angel_x.domain.orders.order import OrderStatus
from angel_x.errors import NotFound
from config.addresses import kombu_address
from tests.e2e.docs.conftest import Trading
from tests.e2e.processes import ROOT, eventually
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

EXAMPLES = ROOT / "examples"
SESSION = re.compile(r"<!-- session -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CASH = Decimal(10_000_000)


def test_the_examples_trade(trading: Trading, redis_urls: RedisUrls) -> None:
    bought = trading.run(sys.executable, EXAMPLES / "buy_at_the_money.py", trading.url, trading.key)

    assert " filled at " in bought
    assert "position: " in bought

    symbol = re.findall(r"NIFTY_\w+", bought)[0]
    lot = trading.application.market.universes.current().contracts[0].lot_size
    broker_url = kombu_address(redis_urls.broker_redis_url)
    message = (sys.executable, EXAMPLES / "bare_celery.py", broker_url, symbol, str(lot))
    sent = [trading.run(*message).strip(), trading.run(*message, trading.key).strip()]
    with Client(trading.url, trading.key) as client:

        def is_filled() -> bool:
            try:
                return all(client.submission(s).status is OrderStatus.FILLED for s in sent)
            except NotFound:
                return False

        eventually(is_filled, "the messages became orders and traded")
        (position,) = client.positions()
        assert position.quantity == 3 * lot


def test_the_example_of_getting_out_ends_flat(trading: Trading) -> None:
    printed = trading.run(
        sys.executable, EXAMPLES / "stop_and_get_out.py", trading.url, trading.key
    )

    assert printed.splitlines() == [
        "basket: filled",
        "stop: trigger_pending",
        "trading: halted",
        "flat: True, positions: 0",
        "trading: active",
    ]
    with Client(trading.url, trading.key) as client:
        assert not [order for order in client.orders() if not order.status.is_closed]
        assert len(client.trades()) == 2


def test_the_session_of_the_readme_runs(trading: Trading) -> None:
    found = SESSION.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    script = found[1].replace("http://127.0.0.1:8000", trading.url)
    # What the reader's directory has; here it is on PATH already.
    script = script.replace('export PATH="$PWD/.venv/bin:$PATH"\n', "")

    printed = trading.run("bash", "-euo", "pipefail", "-c", script)

    assert printed.count('"client_order_id":"first"') >= 3
    assert "urn:angel-x:" not in printed
    with Client(trading.url, trading.key) as client:
        eventually(
            lambda: client.submission("first").status is OrderStatus.FILLED, "the order trades"
        )
        (position,) = client.positions()
        assert position.quantity == client.option_chain("NIFTY").lot_size
