"""A contract note as a printable page, and as tables of the terminal."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from rich.table import Table

from angel_x.domain.exchange.charges import ChargeItems
from angel_x.domain.records.contract_note import ContractNote
from angel_x.entrypoints.presentation.indian import grouped, price, rupees
from angel_x.entrypoints.presentation.printing import table

#: The items of charges, in the order of the page.
ITEMS = tuple(f.name for f in fields(ChargeItems))


def note_page(note: ContractNote) -> str:
    """Return the page of a contract note, complete in itself."""
    return _template().render(note=note, columns=ITEMS)


def note_tables(note: ContractNote) -> tuple[Table, Table]:
    """Return orders and settlements, and the sums by item."""
    return _orders(note), _sums(note)


@lru_cache(maxsize=1)
def _template() -> Template:
    loader = PackageLoader("angel_x.entrypoints.presentation")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return made.get_template("contract_note.html")


def _orders(note: ContractNote) -> Table:
    columns = ("order", "contract", "side", ">units", ">average", ">value", ">charges")
    rows = [
        (
            order.client_order_id, order.symbol, order.side.value, grouped(order.quantity),
            price(order.average_price), rupees(order.value), rupees(order.charges.total),
        )
        for order in note.orders
    ]  # fmt: skip
    rows += [
        (
            "settled", each.symbol, "", grouped(each.quantity),
            price(each.price), rupees(each.value), rupees(each.charges.total),
        )
        for each in note.settlements
    ]  # fmt: skip
    return table(f"Contract note of {note.account}, {note.date}", columns, rows)


def _sums(note: ContractNote) -> Table:
    rows = [(name.replace("_", " "), rupees(getattr(note.charges, name))) for name in ITEMS]
    rows += [
        ("premium of sales", rupees(note.premium_sold)),
        ("premium of purchases", rupees(-note.premium_bought)),
        ("settled", rupees(note.settled)),
        ("realised by futures", rupees(note.futures_profit)),
        ("net, received by the account", rupees(note.net_amount)),
    ]
    return table("Charges", ("", ">"), rows)
