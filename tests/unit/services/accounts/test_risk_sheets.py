"""Looking up what contracts cost in margin."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import MARK_ROW, RISK_ROWS
from angel_x.domain.margin.unit_risk import STEPS
from angel_x.domain.operations.metric import Metric
from tests.builders.paper import CALL, MAX_AGE_SECONDS, PUT, UNIVERSE, Exchange

UNKNOWN = (MarginSource.NONE, Decimal(0))


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(publishes=False)
    exchange.quote(CALL)
    exchange.quote(PUT)
    return exchange


def margins(exchange: Exchange) -> list[tuple[MarginSource, Decimal]]:
    sheet = exchange.sheets.of([CALL, PUT])
    return [(sheet[symbol].source, sheet[symbol].short_margin) for symbol in (CALL, PUT)]


def missed(exchange: Exchange) -> float:
    return sum(n for metric, n, _ in exchange.meter.added if metric is Metric.RISK_ARRAYS_MISSED)


def test_a_contract_is_margined_by_its_published_risk_array(exchange: Exchange) -> None:
    exchange.publish()

    (_, call), (source, put) = margins(exchange)

    assert source is MarginSource.RISK_ARRAY
    assert 2000 < put < call < 3000
    assert missed(exchange) == 0


@pytest.mark.parametrize("why", ["absent", "old", "not a number", "negative mark", "infinite"])
def test_without_numbers_of_today_the_margin_is_unknown_and_counted(
    exchange: Exchange, why: str
) -> None:
    if why != "absent":
        exchange.publish(age_seconds=MAX_AGE_SECONDS + 1 if why == "old" else 0)
    board = exchange.risk.columns.get(UNIVERSE.version, np.zeros((RISK_ROWS, 2), np.float32))
    if why == "not a number":
        board[5, :] = np.nan
    elif why == "negative mark":
        board[MARK_ROW, :] = -1
    elif why == "infinite":
        board[5, :] = np.inf

    assert margins(exchange) == [UNKNOWN] * 2
    assert missed(exchange) == 2


def test_only_the_margin_of_the_contract_without_an_array_is_unknown(exchange: Exchange) -> None:
    exchange.publish()
    exchange.risk.columns[UNIVERSE.version][:, UNIVERSE.rows[PUT]] = np.nan

    (call, _), put = margins(exchange)

    assert call is MarginSource.RISK_ARRAY
    assert put == UNKNOWN
    assert missed(exchange) == 1


def test_no_scenario_is_worse_for_a_holder_than_losing_everything(exchange: Exchange) -> None:
    exchange.publish()
    board = exchange.risk.columns[UNIVERSE.version]
    before = margins(exchange)
    board[3, :] = board[MARK_ROW] + 50

    assert margins(exchange) == before


def test_the_margin_of_an_unlisted_contract_is_unknown(exchange: Exchange) -> None:
    exchange.publish()
    gone = "NIFTY_01SEP26_24000CE"

    sheet = exchange.sheets.of([gone, CALL])
    alone = exchange.sheets.of([gone])

    assert sheet[gone] == alone[gone]
    assert not alone[gone].is_known
    assert sheet[CALL].source is MarginSource.RISK_ARRAY


def test_batches_within_a_moment_share_one_read(exchange: Exchange) -> None:
    exchange.publish()
    exchange.sheets.keep_seconds = 1.0
    margins(exchange)
    reads = exchange.risk.reads

    margins(exchange)
    assert exchange.risk.reads == reads
    exchange.clock.advance(1.0)
    margins(exchange)

    assert exchange.risk.reads == reads + 1


def test_a_spot_of_nothing_is_not_kept(exchange: Exchange) -> None:
    exchange.publish()
    exchange.sheets.keep_seconds = 1.0
    exchange.tell_spot(0)
    assert margins(exchange)[0] == UNKNOWN

    exchange.tell_spot()

    assert margins(exchange)[0][0] is MarginSource.RISK_ARRAY


def test_without_a_cache_nothing_is_known_and_it_is_not_asked_again_at_once(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.publish()
    sheets, asked = exchange.sheets, 0

    def away(universe: object) -> None:
        nonlocal asked
        asked += 1
        raise ConnectionError("the cache is away")

    sheets.unreachable, sheets.keep_seconds = (ConnectionError,), 1.0
    monkeypatch.setattr(exchange.board, "spots", away)
    assert margins(exchange) == margins(exchange) == [UNKNOWN] * 2
    assert asked == 1

    monkeypatch.undo()
    exchange.clock.advance(1.0)
    assert margins(exchange)[0][0] is MarginSource.RISK_ARRAY


def test_an_expired_contract_that_awaits_its_settlement_owes_its_payoff(
    exchange: Exchange,
) -> None:
    exchange.publish()
    exchange.tell_spot(2_415_000)
    gone = "NIFTY_18AUG26_24000CE"
    assert exchange.sheets.of([gone])[gone].short_margin == 150

    exchange.clock.advance(7 * 86_400)
    exchange.tell_spot(2_415_000)
    sheet = exchange.sheets.of([CALL, PUT])

    assert [(sheet[s].source, sheet[s].worth) for s in (CALL, PUT)] == [
        (MarginSource.PAYOFF, 150 * STEPS),
        (MarginSource.PAYOFF, 0),
    ]
    assert not any(sheet[CALL].losses)
