"""Buy a spread as a basket, protect it with a stop, halt the account, and get out of everything.

``python stop_and_get_out.py [URL KEY]``: by default the system that ``angel-x up`` runs here.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from angel_x import Client

if TYPE_CHECKING:
    from angel_x.domain.chains.chain_record import ContractGreeks


def main(url: str, key: str) -> None:
    """Trade, stop, halt, square off; print what came of each."""
    with Client(url, key) as client:
        chain = client.option_chain("NIFTY")
        bought, sold = spread([row for row in chain.rows if row.right == "CE" and row.bid])
        leg = {"quantity": chain.lot_size, "order_type": "LIMIT"}

        # All legs or none: the purchase trades first, the sale once its hedge is there.
        basket = client.basket(
            [
                leg | {"symbol": sold.symbol, "side": "SELL", "price": around(sold, -5)},
                leg | {"symbol": bought.symbol, "side": "BUY", "price": around(bought, 5)},
            ],
            on_refusal="flatten",
        )
        while basket.status == "running":
            time.sleep(0.05)
            basket = client.read_basket(basket.basket_id)
        print(f"basket: {basket.result}")

        # Sells what was bought, but only once it has lost a tenth of its price.
        stop = leg | {"symbol": bought.symbol, "side": "SELL", "order_type": "SL"}
        prices = {"trigger_price": around(bought, -10), "price": around(bought, -15)}
        (receipt,) = client.submit(stop | prices)
        while (order := client.order(receipt.order_id)).status == "received":
            time.sleep(0.05)
        print(f"stop: {order.status}")

        # Nothing new trades, and the stop is canceled; what closes a position still passes.
        print(f"trading: {client.kill_switch('on', reason='enough').state}")
        way_out = client.square_off()
        while way_out.status == "running":
            time.sleep(0.05)
            way_out = client.square_off_standing(way_out.id)
        print(f"flat: {way_out.flat}, positions: {len(client.positions())}")
        print(f"trading: {client.kill_switch('off').state}")


def spread(calls: list[ContractGreeks]) -> tuple[ContractGreeks, ContractGreeks]:
    """Return the call in the middle, and the one three strikes above it."""
    middle = len(calls) // 2
    return calls[middle], calls[middle + 3]


def around(row: ContractGreeks, percent: int) -> str:
    """Return a price so many percent from the market, on a tick of five paise."""
    ticks = (row.last or row.strike) * (100 + percent) / 100 / Decimal("0.05")
    return str(round(ticks) * Decimal("0.05"))


if __name__ == "__main__":
    given = sys.argv[1:]
    if {"-h", "--help"} & set(given):
        print(__doc__)
    else:
        main(*given or ("http://127.0.0.1:8000", Path(".angel-x/demo.key").read_text().strip()))
