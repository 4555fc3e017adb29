from __future__ import annotations

from decimal import Decimal

from benchmarks.bare.fold import Fold, Place, Position

PLACE = Place(1, "A", "NRML")


def fold(*fills: tuple[int, str], held: Position | None = None) -> Fold:
    made = Fold()
    made.hold(PLACE, held)
    for signed, price in fills:
        made.fill(PLACE, signed, Decimal(price))
    return made


def test_a_round_trip_closes_its_position_and_earns_the_difference() -> None:
    made = fold((65, "100.00"), (-65, "101.50"))

    assert made.open == {}
    assert [(p.quantity, p.cost, p.pnl) for _, p in made.closed] == [
        (0, Decimal(0), Decimal("97.50"))
    ]
    assert [(t.side, t.quantity, t.pnl) for t in made.trades] == [("BUY", 65, Decimal("97.50"))]
    assert made.cash == {1: Decimal("97.50")}
    assert made.nets() == {(1, "A"): 0}


def test_a_sale_of_more_than_is_held_opens_a_short_position() -> None:
    made = fold((-130, "102.00"), held=Position(7, 65, Decimal(6500), Decimal(0)))

    assert [(p.id, p.quantity) for _, p in made.closed] == [(7, 0)]
    assert made.open[PLACE] == Position(None, -65, Decimal(-6630), Decimal(0))
    assert made.nets() == {(1, "A"): -65}


def test_a_short_position_is_bought_back_in_parts() -> None:
    made = fold((-130, "100.00"), (65, "98.00"))

    assert made.closed == []
    assert made.open[PLACE] == Position(None, -65, Decimal(-6500), Decimal(130))
    assert [(t.side, t.quantity, t.pnl) for t in made.trades] == [("SELL", 65, Decimal(130))]


def test_a_position_that_was_closed_is_not_held_again() -> None:
    stored = Position(7, -65, Decimal(-6500), Decimal(0))
    made = fold((65, "100.00"), held=stored)
    made.hold(PLACE, Position(7, -65, Decimal(-6500), Decimal(0)))
    made.fill(PLACE, -65, Decimal("100.00"))

    assert made.open == {PLACE: Position(None, -65, Decimal(-6500), Decimal(0))}
