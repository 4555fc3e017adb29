"""What a file of contracts holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.domain.contracts.universe import Universe


@dataclass(frozen=True, slots=True)
class ContractFile:
    """The contracts of a file, and what else is in it."""

    universe: Universe
    #: How many of its rows are something else, by what they are.
    passed_over: Mapping[str, int] = field(default_factory=dict)
    #: Contracts whose freeze quantity is one lot because none is known.
    without_freeze: int = 0
