"""Charts as the options of ECharts, with their numbers as rows.

Colours are variables of the style sheet (``--call``) and numbers have formats of the element
(``@rupees``), so that one chart is readable in both themes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from angel_x.domain.calendar.session import IST

CALL, PUT, CURVE, LOSS, GAIN = "--call", "--put", "--curve", "--loss", "--gain"
_TEXT, _MUTED, _LINE = "--text", "--muted", "--line"
_NAMED = {"color": _MUTED}
_AXIS = {"axisLabel": _NAMED, "nameTextStyle": _NAMED}
#: The options of ECharts.
Options = dict[str, Any]
#: A mark of a chart: its place on the x-axis, and its name.
Mark = tuple[float | str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, the words for those who do not see it, and its numbers."""

    #: None where there is nothing to draw.
    options: Mapping[str, Any] | None
    label: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]

    def as_csv(self) -> str:
        """Return the numbers as CSV; missing ones are empty."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return file.getvalue()


def framed(
    series: Sequence[Mapping[str, Any]],
    x_axis: Mapping[str, Any],
    *,
    unit: str,
    value: str,
    axis: str = "@short",
    y_axis: Mapping[str, object] = MappingProxyType({}),
    **changes: object,
) -> Options:
    """Return the options of series on two axes, with hover, zoom and a legend.

    ``unit`` names the y-axis, ``value`` is the format on hover and ``axis`` that of the axis.
    """
    return {
        "animation": False,
        "useUTC": True,
        "grid": {"left": 10, "right": 22, "top": 56, "bottom": 46, "containLabel": True},
        "tooltip": tooltip(trigger="axis", valueFormatter=value),
        "legend": {
            "show": len(series) > 1,
            "data": [each["name"] for each in series],
            "textStyle": _NAMED,
            "top": 0,
        },
        "dataZoom": _zoom(),
        "xAxis": dict(x_axis),
        "yAxis": {
            "type": "value",
            "name": unit,
            "nameTextStyle": {**_NAMED, "align": "left"},
            "axisLabel": {**_NAMED, "formatter": axis},
            "splitLine": {"lineStyle": {"color": _LINE}},
            **y_axis,
        },
        **changes,
        "series": list(series),
    }


def _zoom() -> list[dict[str, Any]]:
    # A plain wheel scrolls the page.
    slider = {
        "type": "slider",
        "height": 16,
        "bottom": 8,
        "brushSelect": False,
        "textStyle": _NAMED,
    }
    return [{"type": "inside", "zoomOnMouseWheel": "ctrl", "moveOnMouseWheel": False}, slider]


def tooltip(**changes: object) -> Options:
    return {
        "backgroundColor": "--surface",
        "borderColor": "--line-strong",
        "textStyle": {"color": _TEXT},
        **changes,
    }


def numbers_axis() -> Options:
    return {**_AXIS, "type": "value", "scale": True, "splitLine": {"show": False}}


def times_axis() -> Options:
    return {**_AXIS, "type": "time"}


def time_place(at: datetime) -> float:
    """Return the milliseconds of the clock in India as if it were UTC, which the charts show."""
    return at.astimezone(IST).replace(tzinfo=UTC).timestamp() * 1000


def names_axis(names: Sequence[str], **changes: object) -> Options:
    return {**_AXIS, "type": "category", "data": list(names), **changes}


def line(name: str, points: Sequence[Any], colour: str, **changes: object) -> Options:
    """Return a line; points are pairs, or values of a category each."""
    return {
        "type": "line",
        "name": name,
        "data": list(points),
        "symbolSize": 5,
        "lineStyle": {"width": 2, "color": colour},
        "itemStyle": {"color": colour},
        **changes,
    }


def bars(name: str, values: Sequence[Any], colour: str, **changes: object) -> Options:
    return {
        "type": "bar",
        "barMaxWidth": 40,
        "name": name,
        "data": list(values),
        "itemStyle": {"color": colour},
        **changes,
    }


def marked(marks: Sequence[Mark]) -> Options:
    """Return dashed lines at places of the x-axis, each with its name."""
    return {
        "markLine": {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"type": "dashed", "color": _MUTED},
            "label": _NAMED,
            "data": [
                # Names of near places stand above each other.
                {"xAxis": at, "label": {"formatter": name, "offset": [0, -13 * place]}}
                for place, (at, name) in enumerate(marks)
            ],
        }
    }
