"""The archive of the last known Greeks of each symbol in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import structlog

from angel_x.domain.chains.chunks import cut_chunks
from angel_x.domain.operations.metric import Metric
from angel_x.domain.pricing.greek import GREEK_FIELDS, GreekField
from angel_x.services.ports import Clock, Meter, UniverseSource
from angel_x.services.valuation_ports import GreeksSnapshots, ReadColumns

if TYPE_CHECKING:
    from angel_x.domain.contracts.universe import Universe

log = structlog.get_logger()

#: Rows that are read from the board and written to the database at once.
_SLICE = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class GreeksArchive:
    """Stores published Greeks and deletes those of expired contracts.  Every method may run twice."""

    universes: UniverseSource
    read_greeks: ReadColumns
    snapshots: GreeksSnapshots
    meter: Meter
    clock: Clock
    #: How long the Greeks of an expired contract are kept.
    retention: timedelta
    #: The exceptions that mean an unavailable server.
    outages: tuple[type[Exception], ...] = ()

    def snapshot(self) -> int:
        """Store the published Greeks of all rows; return the number of changed rows.

        A row that was not published again since the last call is not written again.
        """
        kept = 0
        try:
            universe = self.universes.current()
            for start, stop in cut_chunks(universe, rows=_SLICE):
                kept += self._keep(universe, start, stop)
        except self.outages as error:
            log.warning("snapshot.dropped", reason="server_away", kept=kept, error=str(error))
            self.meter.add(Metric.MESSAGES_DROPPED, reason="server_away")
        return kept

    def forget(self) -> int:
        """Delete the Greeks of contracts that expired before the retention; return their number."""
        forgotten = self.snapshots.forget(self.clock() - self.retention)
        log.info("greeks.forgotten", contracts=forgotten)
        return forgotten

    def _keep(self, universe: Universe, start: int, stop: int) -> int:
        columns, times = self.read_greeks(universe, np.arange(start, stop))
        known = np.flatnonzero(np.isfinite(columns[: GreekField.FORWARD]).all(axis=0))
        if not known.size:
            return 0
        return self.snapshots.save(
            [universe.symbols[start + row] for row in known.tolist()],
            dict(zip(GREEK_FIELDS, columns[:, known], strict=True)),
            times[known],
        )
