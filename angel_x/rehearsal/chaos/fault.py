"""A kind of fault, and what became of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from angel_x.rehearsal.chaos.environment import Ground

#: Does the harm to a target and waits until it is repaired; returns the proof that it happened.
#: Raises Unverified where there is none.
Strike = Callable[[Ground, str, Random], str]
#: Names what a kind may strike; two faults never strike the same target at once.
Targets = Callable[[Ground], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to do harm."""

    name: str
    #: How often it comes up beside the others.
    weight: int
    targets: Targets
    strike: Strike


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a storm, when it is over."""

    kind: str
    target: str
    #: Seconds since the storm began.
    at: float
    #: Seconds until it was repaired.
    seconds: float
    is_verified: bool
    #: What proves it, or what is missing.
    evidence: str
