"""Looking up what contracts cost in margin."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import MARK_ROW, RISK_ROWS
from angel_x.domain.operations.metric import Metric
from tests.builders.paper import CALL, MAX_AGE_SECONDS, PUT, UNIVERSE, Exchange
from tests.builders.risk import model_columns

PERCENTAGE = Decimal("2712.00")


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.quote(CALL)
    exchange.quote(PUT)
    return exchange


def publish(exchange: Exchange, *, age_seconds: float = 0) -> None:
    at = exchange.clock() - timedelta(seconds=age_seconds)
    columns = model_columns(UNIVERSE, at=exchange.clock().timestamp(), spot=24_000.0)
    exchange.risk.write(UNIVERSE, 0, columns, epoch_ms(at))


def margins(exchange: Exchange) -> list[tuple[MarginSource, Decimal]]:
    sheet = exchange.sheets.of([CALL, PUT])
    return [(sheet[symbol].source, sheet[symbol].short_margin) for symbol in (CALL, PUT)]


def fallbacks(exchange: Exchange) -> float:
    return sum(n for metric, n, _ in exchange.meter.added if metric is Metric.MARGIN_FALLBACKS)


def test_a_contract_is_margined_by_its_published_risk_array(exchange: Exchange) -> None:
    publish(exchange)

    (_, call), (source, put) = margins(exchange)

    assert source is MarginSource.RISK_ARRAY
    assert 2000 < put < call < 3000
    assert fallbacks(exchange) == 0


@pytest.mark.parametrize("why", ["absent", "old", "not a number", "negative mark", "infinite"])
def test_without_numbers_of_today_the_percentage_holds_and_is_counted(
    exchange: Exchange, why: str
) -> None:
    if why != "absent":
        publish(exchange, age_seconds=MAX_AGE_SECONDS + 1 if why == "old" else 0)
    board = exchange.risk.columns.get(UNIVERSE.version, np.zeros((RISK_ROWS, 2), np.float32))
    if why == "not a number":
        board[5, :] = np.nan
    elif why == "negative mark":
        board[MARK_ROW, :] = -1
    elif why == "infinite":
        board[5, :] = np.inf

    assert margins(exchange) == [(MarginSource.PERCENTAGE, PERCENTAGE)] * 2
    assert fallbacks(exchange) == 2


def test_only_the_contract_without_an_array_falls_back(exchange: Exchange) -> None:
    publish(exchange)
    exchange.risk.columns[UNIVERSE.version][:, UNIVERSE.rows[PUT]] = np.nan

    (call, _), put = margins(exchange)

    assert call is MarginSource.RISK_ARRAY
    assert put == (MarginSource.PERCENTAGE, PERCENTAGE)
    assert fallbacks(exchange) == 1


def test_no_scenario_is_worse_for_a_holder_than_losing_everything(exchange: Exchange) -> None:
    publish(exchange)
    board = exchange.risk.columns[UNIVERSE.version]
    before = margins(exchange)
    board[3, :] = board[MARK_ROW] + 50

    assert margins(exchange) == before


def test_what_is_not_listed_any_more_is_margined_by_percentage(exchange: Exchange) -> None:
    publish(exchange)
    gone = "NIFTY_18AUG26_24000CE"

    sheet = exchange.sheets.of([gone, CALL])
    alone = exchange.sheets.of([gone])

    assert sheet[gone] == alone[gone]
    assert alone[gone].short_margin == Decimal("3192.00"), "its last day is over"
    assert sheet[CALL].source is MarginSource.RISK_ARRAY


def test_batches_within_a_moment_share_one_read(exchange: Exchange) -> None:
    publish(exchange)
    exchange.sheets.keep_seconds = 1.0
    margins(exchange)
    reads = exchange.risk.reads

    margins(exchange)
    assert exchange.risk.reads == reads
    exchange.clock.advance(1.0)
    margins(exchange)

    assert exchange.risk.reads == reads + 1


def test_a_spot_of_nothing_is_not_kept(exchange: Exchange) -> None:
    exchange.sheets.keep_seconds = 1.0
    exchange.tell_spot(0)
    assert margins(exchange)[0][0] is MarginSource.NONE

    exchange.tell_spot()

    assert margins(exchange)[0] == (MarginSource.PERCENTAGE, PERCENTAGE)


def test_without_a_cache_nothing_is_known_and_it_is_not_asked_again_at_once(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(exchange)
    sheets, asked = exchange.sheets, 0

    def away(universe: object) -> None:
        nonlocal asked
        asked += 1
        raise ConnectionError("the cache is away")

    sheets.unreachable, sheets.keep_seconds = (ConnectionError,), 1.0
    monkeypatch.setattr(exchange.board, "spots", away)
    assert margins(exchange) == margins(exchange) == [(MarginSource.NONE, Decimal(0))] * 2
    assert asked == 1

    monkeypatch.undo()
    exchange.clock.advance(1.0)
    assert margins(exchange)[0][0] is MarginSource.RISK_ARRAY
