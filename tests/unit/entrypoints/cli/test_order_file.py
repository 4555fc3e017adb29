from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from angel_x.domain.orders.order import Priority, Side
from angel_x.entrypoints.cli.order_file import parse_orders, read_orders
from angel_x.errors import InvalidInput, InvalidOrder

ORDER = '{"client_order_id": "a", "symbol": "X", "side": "BUY", "quantity": 65}'


@pytest.mark.parametrize("content", [ORDER, f"[{ORDER}]", f'{{"orders": [{ORDER}]}}'])
def test_json_is_one_order_or_a_list_or_the_body_of_the_api(content: str) -> None:
    (order,) = parse_orders(content.encode())

    assert (order.client_order_id, order.side, order.quantity) == ("a", Side.BUY, 65)


def test_csv_has_the_field_names_in_its_first_line() -> None:
    content = (
        b"client_order_id,symbol,side,quantity,order_type,price,priority\n"
        b"a, X, BUY,65, LIMIT,101.50, high\n"
        b"b,X,SELL,130,MARKET,,\n"
    )

    first, second = parse_orders(content)

    assert (first.limit_price, first.priority) == (Decimal("101.50"), Priority.HIGH)
    assert (second.quantity, second.limit_price) == (130, None)


def test_orders_without_an_id_are_named_after_the_content_of_the_file() -> None:
    content = b"symbol,side,quantity\nX,BUY,65\nX,BUY,65\n"

    once, again = parse_orders(content), parse_orders(content)
    other = parse_orders(content + b"X,SELL,65\n")

    assert once == again
    names = {order.client_order_id for order in (*once, *other)}
    assert len(names) == 5


def test_every_fault_of_every_row_is_named() -> None:
    content = b"client_order_id,symbol,side,quantity,color\na,X,HOLD,65,\nb,X,BUY,many,red\n"

    with pytest.raises(InvalidOrder) as raised:
        parse_orders(content)

    faults = {(fault.index, fault.field, fault.value) for fault in raised.value.faults}
    assert faults == {(0, "side", "HOLD"), (1, "quantity", "many"), (1, "color", "red")}


def test_a_cell_without_a_column_is_a_fault() -> None:
    with pytest.raises(InvalidOrder, match="column 4"):
        parse_orders(b"symbol,side,quantity\nX,BUY,65,what\n")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'a,"b\n', b"[1", b"{}"])
def test_what_holds_no_orders_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_orders(content)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_orders(tmp_path / "none.json")
