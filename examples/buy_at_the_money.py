"""Buy one lot of the call at the money through the API, and wait until it is decided.

``python buy_at_the_money.py [URL KEY]``: by default the system that ``angel-x up`` runs here.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from angel_x import Client


def main(url: str, key: str) -> None:
    """Submit, wait, look at the position."""
    with Client(url, key) as client:
        chain = client.option_chain("NIFTY")
        calls = [row for row in chain.rows if row.right == "CE" and row.ask is not None]
        spot = chain.spot or calls[len(calls) // 2].strike
        call = min(calls, key=lambda row: abs(row.strike - spot))

        # The client names the order, so an attempt that is repeated cannot trade twice.
        (receipt,) = client.submit(
            {"symbol": call.symbol, "side": "BUY", "quantity": chain.lot_size}
        )
        order = client.order(receipt.order_id)
        while not order.status.is_closed:
            time.sleep(0.05)
            order = client.order(receipt.order_id)

        print(f"order {order.order_id}: {order.symbol} {order.status} at {order.average_price}")
        for position in client.positions():
            print(f"position: {position.quantity} {position.symbol} cost {position.cost}")


if __name__ == "__main__":
    given = sys.argv[1:]
    if {"-h", "--help"} & set(given):
        print(__doc__)
    else:
        main(*given or ("http://127.0.0.1:8000", Path(".angel-x/demo.key").read_text().strip()))
