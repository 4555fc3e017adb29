"""Each tag of an account as a book of its own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from angel_x.domain.orders.order import Side
from angel_x.domain.portfolios.tags import books_by_tag
from angel_x.domain.values.money import ZERO
from tests.unit.domain.portfolios.test_history import TARIFF, move


def test_a_fill_closes_units_of_its_own_tag_only() -> None:
    books = books_by_tag(
        [
            move(Side.BUY, 65, "100", tag="trend", charges=None),
            move(Side.SELL, 65, "120", tag="hedge", charges=None),
            move(Side.SELL, 65, "130", tag="trend", charges=None),
        ],
        TARIFF,
    )

    assert books["trend"].realised_average_cost == books["trend"].realised_fifo == 1950
    assert books["trend"].positions == []
    (short,) = books["hedge"].positions
    assert (short.quantity, short.cost) == (-65, Decimal(-7800))
    assert books["hedge"].realised_fifo == ZERO < books["hedge"].charges


def test_a_settlement_closes_every_tag_and_shares_its_charges() -> None:
    books = books_by_tag(
        [
            move(Side.BUY, 130, "100", tag="a", charges=None),
            move(Side.BUY, 65, "90", charges=None),
            move(Side.SELL, 65, "80", tag="b", charges=None),
            replace(move(Side.SELL, 130, "150", charges="10.00"), settles=True),
        ],
        TARIFF,
    )

    assert {tag: book.positions for tag, book in books.items()} == {"a": [], "": [], "b": []}
    assert {tag: book.realised_fifo for tag, book in books.items()} == {
        "a": 6500, "": 3900, "b": -4550,
    }  # fmt: skip
    before = books_by_tag(
        [move(Side.BUY, 130, "100", tag="a", charges=None), move(Side.BUY, 65, "90", charges=None)],
        TARIFF,
    )
    shares = [books[tag].charges - before[tag].charges for tag in ("a", "")]
    assert shares == [Decimal("6.67"), Decimal("3.33")]
