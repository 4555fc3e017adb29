"""Proofs of the invariants, which run in slices beside the trading."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProofKind(StrEnum):
    #: Orders and accounts that may have changed since the last proof of changes.
    CHANGES = "changes"
    #: Every row.
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a proof is, and what it found."""

    kind: ProofKind
    #: Since the last complete proof began; before the first one, since the first slice.
    age_seconds: float
    #: Rows that break an invariant, by the last complete proof or the one that runs.
    broken: int
    #: The invariant and one of these rows.
    example: str | None
    #: The subject, and the id up to which it is proved; None between two proofs.
    progress: str | None
