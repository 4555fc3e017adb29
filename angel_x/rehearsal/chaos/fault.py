"""A kind of fault, and a fault that was injected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from angel_x.rehearsal.chaos.environment import Environment

#: Injects a fault into a target, waits for the repair, and returns the proof that it happened.
#: Raises Unverified where there is no proof.
Injection = Callable[[Environment, str, Random], str]
#: Names the targets of a kind; a target has one fault at a time.
Targets = Callable[[Environment], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    name: str
    #: Its weight among all kinds.
    weight: int
    targets: Targets
    inject: Injection


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """One injected fault, after its repair."""

    kind: str
    target: str
    #: Seconds since the storm began.
    at: float
    #: Seconds until it was repaired.
    seconds: float
    is_verified: bool
    #: The proof, or the reason why there is none.
    evidence: str
