"""The dashboard of portfolios and margin."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board, Chart, Row, Series, Unit
from deploy.grafana.promql import least, most, quantile, rate

PORTFOLIO = Board(
    "portfolio",
    "Angel-X: portfolio and margin",
    "Valuation of accounts, margin marked to the market, trading controls and settlement.",
    (
        Row(
            "Margin",
            (
                Chart(
                    title="Accounts short of margin",
                    text="Their orders pass only if they reduce: AccountsShortOfMargin.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.MARGIN_SHORT_ACCOUNTS), "short"),),
                    is_number=True,
                    limit=1,
                ),
                Chart(
                    title="Oldest marking",
                    text="Above 300 s while quotes arrive: MarginUnmarked.",
                    unit=Unit.SECONDS,
                    series=(Series(most(Metric.MARGIN_MARK_AGE_SECONDS), "age"),),
                    limit=300,
                ),
                Chart(
                    title="Time of a marking of all accounts",
                    text="Grows with the accounts that hold something.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.5, Metric.MARGIN_MARK_SECONDS), "median"),
                        Series(quantile(0.99, Metric.MARGIN_MARK_SECONDS), "p99"),
                    ),
                ),
                Chart(
                    title="Contracts of unknown margin",
                    text="Their risk array is absent or old: look at feed and Greeks.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.RISK_ARRAYS_MISSED), "missed"),),
                ),
            ),
        ),
        Row(
            "Portfolios",
            (
                Chart(
                    title="Time of a valuation",
                    text="Of one set of accounts.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.5, Metric.PORTFOLIO_UPDATE_SECONDS), "median"),
                        Series(quantile(0.99, Metric.PORTFOLIO_UPDATE_SECONDS), "p99"),
                    ),
                ),
                Chart(
                    title="Valuations",
                    text="Sets of accounts in a second.",
                    unit=Unit.A_SECOND,
                    series=(
                        Series(
                            f"sum(rate({Metric.PORTFOLIO_UPDATE_SECONDS}_count[$__rate_interval]))",
                            "valued",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Controls and calendar",
            (
                Chart(
                    title="Strictest trading state",
                    text="0 active, 1 reducing, 2 halted, by scope.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.TRADING_STATE, "scope"), "{{scope}}"),),
                    is_number=True,
                    limit=1,
                ),
                Chart(
                    title="Expiries that wait for their closing value",
                    text="Above zero for ten minutes: SettlementWaits.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.SETTLEMENTS_WAITING), "waiting"),),
                    is_number=True,
                    limit=1,
                ),
                Chart(
                    title="Days of published holidays",
                    text="Below 32: CalendarEnds.",
                    unit=Unit.COUNT,
                    series=(Series(least(Metric.CALENDAR_DAYS_LEFT), "days left"),),
                    is_number=True,
                    limit=32,
                    is_floor=True,
                ),
            ),
        ),
    ),
)
