"""One rule for numbers from outside, and a table of the places that read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import click
import pytest

from angel_x.domain.book.limits import read_limit
from angel_x.domain.contracts.contract import parse_symbol
from angel_x.domain.feed import chain_cells
from angel_x.domain.feed.chain_cells import CellFault
from angel_x.domain.records import cursor
from angel_x.domain.values.written_number import is_plain, written_decimal
from angel_x.entrypoints.cli.numbers import Real, Whole
from angel_x.entrypoints.cli.order_file import parse_orders
from angel_x.errors import AngelXError
from angel_x.services.accounts.reading import parse_order_id
from angel_x.services.intake import order_form
from angel_x.services.trading import amendment_form
from angel_x.services.workflows import basket_form

#: A hundred and one, written so that Python reads it.
STRANGE = [
    "\u0967\u0966\u0967",
    "\uff11\uff10\uff11",
    "\u0661\u0660\u0661",
    " 101",
    "101 ",
    "\t101",
    "101\n",
    "\u00a0101",
    "1_01",
    "\u2009101",
]


def order(**fields: object) -> dict[str, object]:
    return {
        "client_order_id": "a",
        "symbol": "NIFTY_25AUG26_24050CE",
        "side": "BUY",
        "quantity": 65,
        "order_type": "LIMIT",
        "price": "101",
    } | fields


def csv(quantity: str = "65", price: str = "101") -> bytes:
    header = "client_order_id,symbol,side,quantity,order_type,price\n"
    return f'{header}a,X,BUY,"{quantity}",LIMIT,"{price}"\n'.encode()


def stop(text: str) -> dict[str, object]:
    return order(order_type="SL", price="200", trigger_price=text)


def body(content: object, *, ascii_only: bool = False) -> bytes:
    return json.dumps(content, ensure_ascii=ascii_only).encode()


READERS: dict[str, Callable[[str], object]] = {
    "a price of an order": lambda text: order_form.decode(body(order(price=text))),
    "a price with escapes": lambda text: order_form.decode(
        body(order(price=text), ascii_only=True)
    ),
    "a price of one of several orders": lambda text: order_form.decode(
        body({"orders": [order(), order(client_order_id="b", price=text)]})
    ),
    "a trigger price": lambda text: order_form.decode(body(stop(text))),
    "a price of a message": lambda text: order_form.read(order(price=text)),
    "a price of an amendment": lambda text: amendment_form.read({"price": text}),
    "a trigger of an amendment": lambda text: amendment_form.read({"trigger_price": text}),
    "a price of a leg": lambda text: basket_form.decode(
        body({"basket_id": "b", "orders": [order(price=text, client_order_id=None)]}), None
    ),
    "a limit of an account": lambda text: read_limit("max_open_orders", text),
    "a price of an order file": lambda text: parse_orders(csv(price=text)),
    "a quantity of an order file": lambda text: parse_orders(csv(quantity=text)),
    "a strike of a recording": chain_cells.strike,
    "a price of a recording": lambda text: chain_cells.price_paise("ltp", text),
    "a size of a recording": lambda text: chain_cells.lots("oi", text),
    "a whole number of a command": lambda text: Whole(1, 1000).convert(text, None, None),
    "a number of a command": lambda text: Real(1, 1000).convert(text, None, None),
    "an order id": parse_order_id,
    "any amount": written_decimal,
}
REFUSALS = (AngelXError, CellFault, click.BadParameter, ValueError)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", STRANGE, ids=ascii)
def test_a_number_is_refused_that_is_not_written_in_plain_digits(reader: str, text: str) -> None:
    READERS[reader]("101")

    with pytest.raises(REFUSALS):
        READERS[reader](text)


@pytest.mark.parametrize(
    "symbol", ["NIFTY_\u0968\u096bAUG26_24050CE", "NIFTY_25AUG26_\u0968\u096a\u0966\u096b\u0966CE"]
)
def test_a_symbol_has_plain_digits(symbol: str) -> None:
    with pytest.raises(AngelXError, match="symbol must be"):
        parse_symbol(symbol)


@pytest.mark.parametrize(
    "text", ["\uff12\uff15-Aug-2026", " 25-Aug-2026", "25-Aug-\u0968\u0966\u0968\u096c"]
)
def test_a_date_of_a_recording_has_plain_digits(text: str) -> None:
    with pytest.raises(CellFault, match="must be a date"):
        chain_cells.expiry(text)
    with pytest.raises(CellFault, match="must be YYYYMMDDHHMM"):
        chain_cells.moment("\uff12\uff102608191308")


def test_a_cursor_has_plain_digits() -> None:
    with pytest.raises(AngelXError):
        cursor.decode("before:\u0967\u096d")


@pytest.mark.parametrize("text", ["101", "101.50", "-3", "+3", ".5", "1e3", "Infinity", "NaN"])
def test_what_is_written_plainly_is_read_as_it_is(text: str) -> None:
    assert is_plain(text)
    assert str(written_decimal(text)) == str(Decimal(text))


@pytest.mark.parametrize("text", ["", "many", "1.2.3", "--1"])
def test_plain_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number in the digits 0 to 9"):
        written_decimal(text)
