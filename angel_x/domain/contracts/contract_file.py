"""The content of a file of contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.domain.contracts.universe import Universe


@dataclass(frozen=True, slots=True)
class ContractFile:
    """The contracts of a file, and counts of its other rows."""

    universe: Universe
    #: The number of rows that are no listed options, by kind.
    passed_over: Mapping[str, int] = field(default_factory=dict)
    #: The number of contracts without a known freeze quantity, for which it is one lot.
    without_freeze: int = 0
