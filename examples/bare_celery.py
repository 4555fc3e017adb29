"""Send an order as a Celery message, knowing nothing but the message broker's address.

``python bare_celery.py BROKER_URL SYMBOL QUANTITY``; ``.angel-x/run.json`` of a running system holds
the address as ``broker_url``.  Nothing of Angel-X is imported here.
"""

from __future__ import annotations

import sys
from uuid import uuid4

from celery import Celery


def main(broker_url: str, symbol: str, quantity: str) -> None:
    """Send one order to buy at market for the account ``demo``."""
    client_order_id = f"celery-{uuid4().hex}"
    order = {
        "client_order_id": client_order_id,
        "symbol": symbol,
        "side": "BUY",
        "quantity": int(quantity),
    }
    app = Celery(broker=broker_url)
    # The same JSON as the body of POST /v1/orders, one order or {"orders": [...]}.
    app.send_task("orders.submit", args=[order], kwargs={"user": "demo"}, ignore_result=True)
    # Nobody waits here: GET /v1/submissions/{client_order_id} tells the outcome, and a client with a
    # result backend may ask for it with ignore_result=False (docs/messages.md).
    print(client_order_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
