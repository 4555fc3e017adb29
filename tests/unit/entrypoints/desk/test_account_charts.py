from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from angel_x.domain.portfolios.pnl import PnlGroup, PnlReport, PnlRow
from angel_x.domain.records.equity import EquityPoint
from angel_x.entrypoints.desk.views import account_charts as view
from angel_x.entrypoints.desk.views.chart import Chart
from tests.fakes.desk_api import NOW, make_portfolio


def point(at: datetime, equity: int = 1_000_000) -> EquityPoint:
    return EquityPoint(
        at=at,
        equity=Decimal(equity),
        realised_pnl=Decimal("-150.50"),
        unrealised_pnl=Decimal(100),
        margin_used=Decimal(20_000),
    )


def row(key: str, net: int) -> PnlRow:
    return PnlRow(
        key=key,
        realised_average_cost=Decimal(net + 20),
        realised_fifo=Decimal(0),
        charges=Decimal(20),
        net_average_cost=Decimal(net),
        net_fifo=Decimal(0),
    )


def series(chart: Chart) -> list[dict[str, Any]]:
    assert chart.options is not None
    found: list[dict[str, Any]] = chart.options["series"]
    return found


def test_a_day_is_that_of_india_and_ends_with_the_portfolio_of_now() -> None:
    # 00:10 in India, and 23:50 on the day before.
    midnight = datetime(2026, 8, 24, 18, 40, tzinfo=UTC)
    points = [point(midnight), point(midnight - timedelta(minutes=20))]
    now = make_portfolio()

    found = view.through_time(points, now, 0)

    assert [each.at for each in found] == [midnight, now.updated_at]
    assert found[-1].equity == now.equity
    assert len(view.through_time(points, now, 1)) == 3
    assert view.through_time([], None, 0) == ()


def test_times_are_those_of_a_clock_in_india() -> None:
    (line,) = series(view.equity([point(NOW), point(NOW + timedelta(minutes=15))]))

    drawn, _ = line["data"]
    assert datetime.fromtimestamp(drawn[0] / 1000, UTC).strftime("%H:%M") == "10:30"
    assert drawn[1] == 1_000_000.0


def test_profit_is_open_and_realised_and_their_sum() -> None:
    chart = view.profit([point(NOW), point(NOW + timedelta(minutes=15))])

    assert [line["data"][0][1] for line in series(chart)] == [-50.5, 100.0, -150.5]
    assert chart.as_csv().splitlines()[1].endswith(",-50.50,100,-150.50")


def test_margin_goes_on_until_it_changes() -> None:
    (line,) = series(view.margin([point(NOW), point(NOW + timedelta(minutes=15))]))

    assert (line["step"], [value for _, value in line["data"]]) == ("end", [20_000.0] * 2)


def test_a_day_with_a_loss_points_down() -> None:
    report = PnlReport(
        by=PnlGroup.DAY, rows=(row("2026-08-24", -500), row("2026-08-25", 700)), total=row("", 200)
    )

    (net,) = series(view.by_day(report))

    assert [(bar["value"], bar["itemStyle"]["color"]) for bar in net["data"]] == [
        (-500.0, "--loss"),
        (700.0, "--gain"),
    ]


def test_one_point_is_no_line() -> None:
    charts = (view.equity([point(NOW)]), view.profit([point(NOW)]), view.margin([point(NOW)]))

    assert [chart.options for chart in charts] == [None] * 3
    assert [len(chart.rows) for chart in charts] == [1] * 3


def test_an_account_without_history_is_not_drawn() -> None:
    empty = PnlReport(by=PnlGroup.DAY, rows=(), total=row("", 0))

    charts = (view.equity([]), view.profit([]), view.margin([]), view.by_day(empty))

    assert [chart.options for chart in charts] == [None] * 4
    assert [len(chart.rows) for chart in charts] == [0] * 4
