"""The expressions of all dashboards as recording rules, which promtool can check."""

from __future__ import annotations

import json
import re

from deploy.grafana.board import Board
from deploy.grafana.boards import BOARDS

_VARIABLE = re.compile(r"\$__rate_interval")


def expressions(boards: tuple[Board, ...] = BOARDS) -> list[str]:
    """Return each expression, with Grafana's variables replaced."""
    return [
        _VARIABLE.sub("1m", series.expression)
        for board in boards
        for row in board.rows
        for chart in row.charts
        for series in chart.series
    ]


def as_rules(found: list[str]) -> str:
    """Return a file of rules; JSON is YAML as well."""
    rules = [
        {"record": f"dashboard:{number}", "expr": text} for number, text in enumerate(found, 1)
    ]
    return json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}, indent=1)


if __name__ == "__main__":
    print(as_rules(expressions()))  # noqa: T201
