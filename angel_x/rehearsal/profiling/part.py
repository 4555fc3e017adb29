"""The parts of the order path, and the part that a stack of calls stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: The files and functions of a call, the outermost first: ``angel_x/services/units.py:run``.
Stack = tuple[str, ...]


class Part(StrEnum):
    SQL = "SQL"
    CACHE = "cache"
    MARGIN = "margin"
    EXECUTION = "execution"
    VALIDATION = "validation"
    PRICING = "pricing"
    OTHER = "other"


#: Of the innermost call that is listed; the first match counts.
_PLACES: Mapping[str, Part] = {
    "psycopg2/": Part.SQL,
    "sqlalchemy/": Part.SQL,
    "angel_x/adapters/postgres/": Part.SQL,
    "redis/": Part.CACHE,
    "angel_x/adapters/redis/": Part.CACHE,
    "angel_x/domain/margin/": Part.MARGIN,
    "angel_x/domain/book/margin_pool": Part.MARGIN,
    "angel_x/services/accounts/risk_sheets": Part.MARGIN,
    "angel_x/domain/pricing/": Part.PRICING,
    "angel_x/domain/chains/": Part.PRICING,
    "angel_x/services/pricing/": Part.PRICING,
    "angel_x/services/intake/": Part.VALIDATION,
    "angel_x/domain/orders/": Part.VALIDATION,
    "angel_x/domain/contracts/": Part.VALIDATION,
    "angel_x/domain/book/": Part.EXECUTION,
    "angel_x/domain/exchange/": Part.EXECUTION,
    "angel_x/services/trading/": Part.EXECUTION,
}
_ADVICE: Mapping[Part, str] = {
    Part.SQL: "statements and commits: `angel-x db slow-queries`, `angel-x db explain`, the disk",
    Part.CACHE: "round trips to Redis: `angel-x redis report`",
    Part.MARGIN: "risk arrays and scenarios: domain/margin, services/accounts/risk_sheets.py",
    Part.EXECUTION: "the book and the exchange: domain/book, services/trading/paper_market.py",
    Part.VALIDATION: "forms, checks and admission: services/intake",
    Part.PRICING: "kernels and forwards: domain/pricing, and whether numba is installed",
    Part.OTHER: "see the table and the flame graph",
}


@dataclass(frozen=True, slots=True)
class Share:
    """The share of a part in the samples, with the place to look at."""

    part: Part
    percent: float
    look_at: str


def part_of(stack: Stack) -> Part:
    """Return the part of the innermost call that belongs to one."""
    for call in reversed(stack):
        for place, part in _PLACES.items():
            if call.startswith(place):
                return part
    return Part.OTHER


def shares(samples: Mapping[Stack, int]) -> Sequence[Share]:
    """Return the share of each part, the largest first."""
    counts: Counter[Part] = Counter()
    for stack, count in samples.items():
        counts[part_of(stack)] += count
    total = sum(counts.values())
    return [
        Share(part, round(100 * count / total, 1), _ADVICE[part])
        for part, count in counts.most_common()
    ]
