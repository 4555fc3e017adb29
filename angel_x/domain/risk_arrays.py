"""Risk arrays: what one long unit of a contract loses in each of the 16 SPAN scenarios."""

from __future__ import annotations

#: Rows of a risk array: the loss in each scenario, then the delta of the spot, then the mark.
DELTA_ROW = 16
MARK_ROW = DELTA_ROW + 1
RISK_ROWS = MARK_ROW + 1
