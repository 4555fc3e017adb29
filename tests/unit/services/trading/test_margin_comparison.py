"""The broker's margin is measured beside ours where orders go to the broker."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from angel_x.adapters.angel_one.broker_margin import margins
from angel_x.domain.operations.metric import Metric
from angel_x.errors import BrokerUnavailable
from angel_x.services.trading.margin_comparison import MarginComparison
from tests.builders.broker import LOT, Broker, broker, order
from tests.builders.recorders import RecordingMeter
from tests.fakes.broker_contracts import MemoryBrokerContracts


@pytest.fixture(scope="module")
def at_broker() -> Iterator[Broker]:
    with broker() as found:
        yield found


#: Without a stored name.
NAMES = MemoryBrokerContracts()


def comparison(meter: RecordingMeter, theirs: Any, *, is_live: bool = True) -> MarginComparison:
    return MarginComparison(
        is_live=is_live,
        read_broker=theirs,
        read_ours=lambda: {"NIFTY": Decimal(100), "SENSEX": Decimal(90)},
        meter=meter,
    )


def away(_seconds: float) -> dict[str, Decimal]:
    raise BrokerUnavailable("away")


def test_the_largest_difference_is_measured() -> None:
    meter = RecordingMeter()

    comparison(meter, lambda _: {"NIFTY": Decimal(75), "SENSEX": Decimal(100)}).run_if_live()

    assert meter.gauges[Metric.BROKER_MARGIN_RATIO] == 0.25


def test_without_an_answer_and_on_paper_nothing_is_measured() -> None:
    meter = RecordingMeter()

    comparison(meter, away).run_if_live()
    comparison(meter, away, is_live=False).run_if_live()

    assert meter.gauges == {}
    with pytest.raises(BrokerUnavailable):
        comparison(meter, away).run()


def test_the_broker_demands_margin_for_what_is_short_and_counts_no_premium(
    at_broker: Broker,
) -> None:
    def place(**changes: str) -> None:
        at_broker.server.do(lambda each: each.place("A12345", order(**changes)))

    assert margins(at_broker.client, monotonic() + 60, NAMES.symbols) == {}
    place()
    assert margins(at_broker.client, monotonic() + 60, NAMES.symbols) == {"NIFTY": 0}
    place(transactiontype="SELL", price="99.00", quantity=str(3 * LOT))

    found = margins(at_broker.client, monotonic() + 60, NAMES.symbols)

    assert found == {"NIFTY": Decimal(24_000) * Decimal("0.12") * 2 * LOT}
