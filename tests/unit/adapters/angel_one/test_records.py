from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.adapters.angel_one.records import (
    BookOrder,
    BookPosition,
    BookTrade,
    Funds,
    Placed,
    Profile,
    fields,
    listed,
)
from angel_x.errors import BrokerUnavailable


def test_numbers_may_be_text_and_text_may_be_numbers() -> None:
    row = {"orderid": 7, "quantity": "65", "filledshares": 0, "price": "1,100.05", "status": "Open"}

    order = BookOrder.of(row)

    assert (order.order_id, order.quantity, order.filled) == ("7", 65, 0)
    assert (order.price, order.status) == (Decimal("1100.05"), "open")


def test_missing_null_and_empty_fields_are_nothing() -> None:
    funds = Funds.of({"net": None, "availablecash": "", "collateral": "0.0000"})

    assert [funds.net, funds.available_cash, funds.collateral] == [Decimal(0)] * 3
    assert BookTrade.of({}).quantity == 0
    assert BookPosition.of({"netqty": "-65"}).quantity == -65


@pytest.mark.parametrize("written", ["ten", "NaN", "Infinity", "1.5"])
def test_a_number_that_is_none_makes_the_answer_unreadable(written: str) -> None:
    with pytest.raises(BrokerUnavailable, match="quantity"):
        BookOrder.of({"quantity": written})


@pytest.mark.parametrize("written", ['["NFO","BFO"]', ["NFO", "BFO"], "NFO,BFO"])
def test_names_may_be_a_list_within_a_text(written: object) -> None:
    assert Profile.of({"exchanges": written}).exchanges == ("NFO", "BFO")


def test_an_acceptance_without_an_order_is_unreadable() -> None:
    with pytest.raises(BrokerUnavailable):
        Placed.of({"uniqueorderid": "7"})


@pytest.mark.parametrize("empty", [None, "", {}, []])
def test_an_empty_book_has_many_forms(empty: object) -> None:
    assert listed(empty) == []


@pytest.mark.parametrize("other", ["text", 7, [1], [None], {"a": 1}])
def test_a_book_of_another_form_is_unreadable(other: object) -> None:
    with pytest.raises(BrokerUnavailable):
        listed(other)


def test_a_record_may_be_the_only_one_of_a_list() -> None:
    assert fields([{"a": 1}]) == fields({"a": 1}) == {"a": 1}
    others: list[object] = [None, [], [{}, {}], "text"]
    for other in others:
        with pytest.raises(BrokerUnavailable):
            fields(other)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["orderid", "quantity", "filledshares", "price", "status", "exchanges"]),
        st.none() | st.text() | st.integers() | st.booleans() | st.decimals() | st.lists(st.text()),
    )
)
def test_any_record_is_read_or_unreadable(row: dict[str, Any]) -> None:
    for record in (BookOrder, BookTrade, Funds, Placed, BookPosition):
        with suppress(BrokerUnavailable):
            assert record.of(row) is not None
