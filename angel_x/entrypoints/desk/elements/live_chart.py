"""A chart in the colours of the theme, which keeps its zoom while its numbers move."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nicegui.element import Element
from nicegui.elements import echart

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.elements.live_table import Empty
    from angel_x.entrypoints.desk.views.chart import Chart

_ECHARTS = Path(echart.__file__).parent / "dist"


class LiveChart(Element, component="live_chart.js", esm={"nicegui-echart": str(_ECHARTS)}):
    """One chart, or its empty state."""

    def __init__(self, *, empty: Empty, kind: str = "") -> None:
        """Show nothing yet; ``kind`` is a class of the style sheet."""
        super().__init__()
        self._props.update(
            options=None, label="", empty=[empty.fact, empty.advice], waits=True, kind=kind
        )

    def show(self, chart: Chart) -> None:
        """Draw a chart; an equal one sends nothing."""
        shown = {"options": chart.options, "label": chart.label, "waits": False}
        if any(self._props[name] != value for name, value in shown.items()):
            self._props.update(shown)
            self.update()
