"""Charts of an underlying and of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.entrypoints.desk.pages.account_charts import AccountCharts
from angel_x.entrypoints.desk.pages.market_charts import FIRST, MarketCharts
from angel_x.entrypoints.desk.pages.minute_charts import MinuteCharts
from angel_x.entrypoints.desk.pages.scenario_charts import ScenarioCharts

if TYPE_CHECKING:
    from angel_x.entrypoints.desk.pages.frame import Frame


def charts(frame: Frame) -> None:
    """Draw the page."""
    market = MarketCharts(frame)
    market.on_choice.append(MinuteCharts(frame, FIRST).follow)
    ScenarioCharts(frame)
    AccountCharts(frame)
