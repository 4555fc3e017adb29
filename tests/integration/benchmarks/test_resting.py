"""The benchmark of resting orders, on a small book: what crosses is matched, and nothing else."""

from __future__ import annotations

import pytest

from angel_x.bootstrap import Application
from benchmarks.resting import ALL, NONE, SOME, RestingBook


@pytest.mark.parametrize("accounts", [1, 7])
def test_of_resting_orders_those_are_matched_that_cross(
    application: Application, accounts: int
) -> None:
    book = RestingBook(application, orders=40, accounts=accounts)

    assert [book.look(ask).matched for ask in (NONE, SOME, SOME, ALL, ALL)] == [0, 4, 0, 36, 0]

    with application.base.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT status, count(*) FROM orders GROUP BY 1")
        assert [tuple(row) for row in found] == [("filled", 40)]


def test_a_book_without_orders_is_looked_at_as_well(application: Application) -> None:
    book = RestingBook(application, orders=0, accounts=1)

    assert [book.look(ask).matched for ask in (NONE, ALL)] == [0, 0]
