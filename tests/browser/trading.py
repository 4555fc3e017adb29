"""What a trader does beside a page, and the sizes of pages."""

from __future__ import annotations

import re
from decimal import Decimal

from angel_x.client import Client
from angel_x.domain.chains.chain_record import ContractGreeks
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance

WIDE = {"viewport": {"width": 1680, "height": 1000}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def at_the_money(client: Client) -> ContractGreeks:
    rows = client.option_chain("NIFTY").rows
    return rows[len(rows) // 2]


def resting(client: Client, tag: str) -> str:
    """Submit an order at four fifths of the bid, inside of the price band."""
    contract, lot = at_the_money(client), client.option_chain("NIFTY").lot_size
    assert contract.bid is not None
    price = (contract.bid * 16).to_integral_value() * Decimal("0.05")
    order = {"symbol": contract.symbol, "side": "BUY", "quantity": lot, "order_type": "LIMIT"}
    order_id = client.submit({**order, "price": str(price), "tag": tag})[0].order_id
    eventually(lambda: client.order(order_id).status == "working", "the order rests")
    return order_id


def create_key(system: Instance, user: str, scope: str) -> str:
    made = system.cli("keys", "create", "--user", user, "--scope", scope)
    found = re.search(r"ax_\w+", made.out)
    assert found, made
    return found[0]
