"""A storm: a seeded schedule of faults, and its execution."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from threading import Lock

import psutil
import psycopg2
import redis
import structlog

from angel_x.rehearsal.chaos import (
    broker_faults,
    database_faults,
    file_faults,
    process_faults,
)
from angel_x.rehearsal.chaos.environment import Environment, Unverified
from angel_x.rehearsal.chaos.fault import InjectedFault, Kind

log = structlog.get_logger()

KINDS: tuple[Kind, ...] = (
    *process_faults.KINDS,
    *broker_faults.KINDS,
    *database_faults.KINDS,
    *file_faults.KINDS,
)
#: Faults that may go on side by side.
_AT_ONCE = 6
#: Errors of an injection while another fault makes servers unavailable.
_AWAY = (redis.RedisError, psycopg2.Error, OSError, psutil.Error, KeyError)


@dataclass(frozen=True, slots=True)
class ScheduledFault:
    """A fault with its time and target."""

    #: Seconds since the storm began.
    at: float
    kind: Kind
    target: str
    #: Random seed of this fault.
    seed: int


def schedule(
    environment: Environment,
    seed: int,
    count: int,
    seconds: float,
    among: Sequence[Kind] = KINDS,
) -> list[ScheduledFault]:
    """Spread faults over some seconds: each kind once, then by weight; the same for the same seed."""
    random = Random(f"storm-{seed}")  # noqa: S311 - nothing secret
    kinds = _kinds(environment, among, random)
    apart = seconds / max(1, count)
    made = []
    for number in range(count):
        kind = next(kinds)
        at = (number + random.uniform(0.2, 0.8)) * apart
        target = random.choice(kind.targets(environment))
        made.append(ScheduledFault(at, kind, target, random.getrandbits(32)))
    return made


def _kinds(environment: Environment, among: Sequence[Kind], random: Random) -> Iterator[Kind]:
    apt = [kind for kind in among if kind.targets(environment)]
    random.shuffle(apt)
    yield from apt
    while True:
        yield from random.choices(apt, weights=[kind.weight for kind in apt])


class Storm:
    """Runs a schedule.  Faults of different targets may overlap, of the same they do not."""

    def __init__(
        self,
        environment: Environment,
        faults: Sequence[ScheduledFault],
        tell: Callable[[InjectedFault], None] = lambda _fault: None,
    ) -> None:
        self._environment = environment
        self._scheduled = faults
        self._tell = tell
        self._targets = {scheduled.target: Lock() for scheduled in faults}
        #: By the monotonic clock.
        self.began = 0.0
        self.faults: list[InjectedFault] = []

    def run(self) -> float:
        """Inject every fault at its time; return the monotonic time of the last repair."""
        self.began = time.monotonic()
        injected = []
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="storm") as pool:
            for scheduled in self._scheduled:
                early = self.began + scheduled.at - time.monotonic()
                if self._environment.stop.wait(max(0.0, early)):
                    break
                injected.append(pool.submit(self._run_one, scheduled))
        for each in injected:
            each.result()
        return time.monotonic()

    def _run_one(self, scheduled: ScheduledFault) -> None:
        with self._targets[scheduled.target]:
            began = time.monotonic()
            is_verified, evidence = self._inject(scheduled)
            fault = InjectedFault(
                kind=scheduled.kind.name,
                target=scheduled.target,
                at=round(began - self.began, 2),
                seconds=round(time.monotonic() - began, 2),
                is_verified=is_verified,
                evidence=evidence,
            )
        self.faults.append(fault)
        log.info("fault.injected", kind=fault.kind, verified=is_verified, evidence=evidence)
        self._tell(fault)

    def _inject(self, scheduled: ScheduledFault) -> tuple[bool, str]:
        random = Random(scheduled.seed)  # noqa: S311 - nothing secret
        try:
            return True, scheduled.kind.inject(self._environment, scheduled.target, random)
        except Unverified as error:
            return False, str(error)
        except _AWAY as error:
            return False, f"{type(error).__name__}: {error}".strip()
