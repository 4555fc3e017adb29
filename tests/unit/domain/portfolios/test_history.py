"""The fold of an account's history: average cost beside FIFO, and P&L by group."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.portfolios.history import AccountMove, History
from angel_x.domain.portfolios.pnl import PnlGroup, report
from angel_x.domain.portfolios.rebuild import StoredAccount, StoredPosition, differences
from angel_x.domain.values.money import ZERO
from config.market import table

TARIFF = Tariff.from_tables(table("charges"), table("contracts"))
CALL = "NIFTY_01DEC26_24000CE"
DAY, NEXT = date(2026, 11, 25), date(2026, 11, 26)


def move(
    side: Side,
    quantity: int,
    price: str,
    day: date = DAY,
    tag: str | None = None,
    charges: str | None = "0",
) -> AccountMove:
    booked = None if charges is None else Decimal(charges)
    return AccountMove(day, CALL, Product.NORMAL, tag, side, quantity, Decimal(price), ZERO, booked)


BOUGHT_TWICE = [move(Side.BUY, 65, "100"), move(Side.BUY, 65, "200")]


def test_average_cost_and_fifo_differ_until_the_position_is_flat() -> None:
    moves = [*BOUGHT_TWICE, move(Side.SELL, 65, "180"), move(Side.SELL, 65, "180")]

    found = list(History().fold(moves))

    assert [r.average_cost for r in found] == [0, 0, 1950, 1950]
    assert [r.fifo for r in found] == [0, 0, 5200, -1300]


def test_a_fill_that_turns_a_position_closes_and_opens() -> None:
    history = History()

    found = list(history.fold([move(Side.SELL, 65, "100"), move(Side.BUY, 130, "90")]))

    assert found[1].average_cost == found[1].fifo == 650
    (position,) = history.positions.values()
    assert (position.quantity, position.cost) == (65, Decimal(5850))


@given(
    st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 500), st.integers(5, 90_000)), max_size=30
    )
)
def test_once_flat_both_conventions_agree(trades: list[tuple[Side, int, int]]) -> None:
    moves = [move(side, quantity, f"{paise / 100:.2f}") for side, quantity, paise in trades]
    net = sum(m.side.sign * m.quantity for m in moves)
    if net:
        moves.append(move(Side.SELL if net > 0 else Side.BUY, abs(net), "101.35"))

    found = list(History().fold(moves))

    assert sum(r.average_cost for r in found) == sum(r.fifo for r in found)
    assert sum(r.fifo for r in found) == sum(-m.side.sign * m.quantity * m.price for m in moves)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (PnlGroup.DAY, {"2026-11-25": 0, "2026-11-26": 1950}),
        (PnlGroup.UNDERLYING, {"NIFTY": 1950}),
        (PnlGroup.TAG, {"": 0, "exit": 1950}),
    ],
)
def test_pnl_is_of_the_closing_order_by_day_underlying_and_tag(
    by: PnlGroup, keys: dict[str, int]
) -> None:
    moves = [*BOUGHT_TWICE, move(Side.SELL, 65, "180", NEXT, "exit", charges="38.50")]

    found = report(moves, TARIFF, by)

    assert {row.key: row.realised_average_cost for row in found.rows} == keys
    assert (found.total.realised_fifo, found.total.net_fifo) == (Decimal(5200), Decimal("5161.50"))
    assert report(moves, TARIFF, by, until=DAY).total.realised_fifo == 0


def test_charges_of_a_fill_are_those_of_the_tariff() -> None:
    found = report([move(Side.SELL, 65, "200", charges=None)], TARIFF, PnlGroup.DAY)

    assert found.total.charges == TARIFF.on("NIFTY", DAY).on_order(Side.SELL, Decimal(13_000))


def test_what_is_stored_otherwise_than_rebuilt_is_named_with_both_values() -> None:
    history = History()
    list(history.fold(BOUGHT_TWICE))
    right = StoredPosition(CALL, Product.NORMAL, 130, Decimal(19_500))
    account = StoredAccount(1, "demo", ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)

    assert list(differences(account, [right], history)) == []
    wrong = StoredAccount(1, "demo", Decimal(5), ZERO, ZERO, ZERO, ZERO, ZERO)
    assert list(differences(wrong, [], history)) == [
        "demo: cash is stored as 5, rebuilt as 0.00",
        f"demo: {CALL} NRML is stored as flat, rebuilt as 130 units that cost 19500.00",
    ]
