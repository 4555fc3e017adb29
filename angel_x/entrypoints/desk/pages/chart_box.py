"""A chart in a section: title, age, and its numbers as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.elements.live_chart import LiveChart
from angel_x.entrypoints.desk.pages.parts import aging, box, button, heading

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.elements.live_table import Empty
    from angel_x.entrypoints.desk.views.chart import Chart


class ChartBox:
    """One chart; ``source`` names the reading whose age it shows."""

    def __init__(
        self,
        title: str,
        source: str,
        empty: Empty,
        *,
        about: str = "",
        fresh: float | None = None,
    ) -> None:
        """Show nothing yet; the reading is stale after ``fresh`` seconds."""
        self._title = title
        self._shown: Chart | None = None
        with box("ax-section", "section"):
            with box("ax-bar"):
                heading(title, source, fresh)
                with box("ax-actions"):
                    self._csv = button("CSV", self._download).props(f'aria-label="{title} as CSV"')
            with box("") as place:
                aging(place, "data-source", source, fresh)
                self._chart = LiveChart(empty=empty)
            if about:
                ui.label(about).classes("ax-muted ax-about")
        self._csv.disable()

    def show(self, chart: Chart) -> None:
        self._shown = chart
        self._chart.show(chart)
        self._csv.set_enabled(bool(chart.rows))

    def _download(self) -> None:
        if self._shown is not None:
            name = self._title.lower().replace(" ", "-")
            ui.download.content(self._shown.as_csv(), f"{name}.csv", "text/csv")
