"""Comparing the broker's margin with ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import structlog

from angel_x.domain.margin.broker_margin import ComparedMargin, compared_margins
from angel_x.domain.operations.metric import Metric
from angel_x.errors import BrokerError
from angel_x.services.ports import Meter

log = structlog.get_logger()

#: The time in which the requests have to begin.
_PATIENCE_SECONDS = 5.0

#: Returns the broker's margin of each underlying, in rupees; its requests begin within the seconds.
ReadBroker = Callable[[float], Mapping[str, Decimal]]
#: Returns the margin that the accounts hold for each underlying, in rupees.
ReadOurs = Callable[[], Mapping[str, Decimal]]


class MarginComparison:
    """Compares, and measures the largest difference; a second call does so again."""

    def __init__(
        self, *, is_live: bool, read_broker: ReadBroker, read_ours: ReadOurs, meter: Meter
    ) -> None:
        self._is_live = is_live
        self._read_broker = read_broker
        self._read_ours = read_ours
        self._meter = meter

    def run_if_live(self) -> None:
        """Measure the difference where orders go to the broker, unless it does not answer."""
        if not self._is_live:
            return
        try:
            found = self.run()
        except BrokerError as error:
            log.warning("margin_comparison.missed", error=str(error))
            return
        self._meter.set(Metric.BROKER_MARGIN_RATIO, max((each.ratio for each in found), default=0))

    def run(self) -> list[ComparedMargin]:
        """Return both margins of each underlying, the largest difference first.

        Raises:
            BrokerError: The broker's margin cannot be read.
        """
        return compared_margins(self._read_broker(_PATIENCE_SECONDS), self._read_ours())
