from __future__ import annotations

from decimal import Decimal

from angel_x.domain.margin.broker_margin import ComparedMargin, compared_margins


def test_both_margins_are_compared_by_the_larger_one() -> None:
    broker = {"NIFTY": Decimal(80), "SENSEX": Decimal(0), "BANKNIFTY": Decimal(50)}
    ours = {"NIFTY": Decimal(100), "SENSEX": Decimal(0), "FINNIFTY": Decimal(10)}

    assert compared_margins(broker, ours) == [
        ComparedMargin("BANKNIFTY", Decimal(50), Decimal(0), 1.0),
        ComparedMargin("FINNIFTY", Decimal(0), Decimal(10), 1.0),
        ComparedMargin("NIFTY", Decimal(80), Decimal(100), 0.2),
        ComparedMargin("SENSEX", Decimal(0), Decimal(0), 0.0),
    ]


def test_a_credit_of_the_broker_differs_in_full() -> None:
    (found,) = compared_margins({"NIFTY": Decimal(-50)}, {"NIFTY": Decimal(100)})

    assert found.ratio == 1.0
