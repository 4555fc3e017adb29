"""Dashboards in Grafana's own form."""

from __future__ import annotations

from typing import TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    GridPos,
    Threshold,
    ThresholdsMode,
)

from deploy.grafana.board import Board, Chart, Row, Series

#: The variable by which a dashboard finds Prometheus, whatever the data source is called.
DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "angel-x"
_Panel = TypeVar("_Panel", stat.Panel, timeseries.Panel)
_WIDTH, _HEIGHT = 24, 8
_GREEN, _RED = "green", "red"


def to_json(board: Board) -> str:
    """Return the file of a dashboard; the same board gives the same bytes."""
    return JSONEncoder(sort_keys=True, indent=1).encode(_built(board).build()) + "\n"


def _built(board: Board) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"angel-x-{board.name}")
        .description(board.text)
        .tags([TAG])
        .timezone("Asia/Kolkata")
        .time("now-1h", "now")
        .refresh("10s")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
        .link(dashboard.DashboardLink("Angel-X").type(DashboardLinkType.DASHBOARDS).tags([TAG]))
    )
    number, top = 1, 0
    for row in board.rows:
        made.with_row(dashboard.Row(row.title).id(number).grid_pos(_place(0, top, _WIDTH, 1)))
        for panel in _panels(row, number + 1, top + 1):
            made.with_panel(panel)
        number, top = number + 1 + len(row.charts), top + 1 + _HEIGHT
    return made


def _panels(row: Row, first: int, top: int) -> list[stat.Panel | timeseries.Panel]:
    width = _WIDTH // len(row.charts)
    return [
        (_number(chart) if chart.is_number else _lines(chart))
        .id(first + index)
        .grid_pos(_place(index * width, top, width, _HEIGHT))
        for index, chart in enumerate(row.charts)
    ]


def _place(left: int, top: int, width: int, height: int) -> GridPos:
    return GridPos(h=height, w=width, x=left, y=top)


def _lines(chart: Chart) -> timeseries.Panel:
    panel = (
        _described(timeseries.Panel(), chart)
        .fill_opacity(10)
        .legend(
            common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)  # noqa: FBT003 - the signature of the SDK
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    if chart.limit is not None:
        panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        )
    if chart.is_stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return panel


def _number(chart: Chart) -> stat.Panel:
    # Without options of its own Grafana would read null.
    return (
        _described(stat.Panel(), chart)
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _described(panel: _Panel, chart: Chart) -> _Panel:
    panel = (
        panel.title(chart.title)
        .description(chart.text)
        .datasource(DATASOURCE)
        .unit(chart.unit)
        .min(0)
        .thresholds(_thresholds(chart))
    )
    for index, series in enumerate(chart.series):
        panel.with_target(_query(series, chr(ord("A") + index)))
    return panel


def _thresholds(chart: Chart) -> dashboard.ThresholdsConfig:
    below, above = (_RED, _GREEN) if chart.is_floor else (_GREEN, _RED)
    steps = [Threshold(value=None, color=below if chart.limit is not None else _GREEN)]
    if chart.limit is not None:
        steps.append(Threshold(value=chart.limit, color=above))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _query(series: Series, name: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(name)
        .expr(series.expression)
        .legend_format(series.legend)
        .range()
    )
