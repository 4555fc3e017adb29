"""Send an order as a Celery message, knowing the message broker's address and an API key.

``python bare_celery.py BROKER_URL SYMBOL QUANTITY [KEY]``; ``.angel-x/run.json`` of a running system
holds the address as ``broker_url``.  In production a message without a signature is refused.  Nothing
of Angel-X is imported here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import time
from uuid import uuid4

from celery import Celery


def main(broker_url: str, symbol: str, quantity: str, key: str | None = None) -> None:
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
    sender = {"user": "demo"} if key is None else {"signature": signature(order, key)}
    app.send_task("orders.submit", args=[order], kwargs=sender, ignore_result=True)
    # Nobody waits here: GET /v1/submissions/{client_order_id} tells the outcome, and a client with a
    # result backend may ask for it with ignore_result=False (docs/messages.md).
    print(client_order_id)


def signature(request: dict[str, object], key: str) -> str:
    """Return the signature of a request by an API key, valid for a day."""
    prefix, seconds = key.split("_")[1], int(time.time())  # noqa: TID251 - no clock to inject
    body = json.dumps(request, sort_keys=True, separators=(",", ":"))
    text = f"orders.submit\n{prefix}\n{seconds}\n{body}"
    secret = hashlib.sha256(key.encode()).digest()
    return f"{prefix}.{seconds}.{hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()}"


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    else:
        main(*sys.argv[1:])
