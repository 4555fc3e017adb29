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

from angel_x.rehearsal.chaos import broker_faults, database_faults, process_faults
from angel_x.rehearsal.chaos.environment import Ground, Unverified
from angel_x.rehearsal.chaos.fault import Fault, Kind

log = structlog.get_logger()

KINDS: tuple[Kind, ...] = (*process_faults.KINDS, *broker_faults.KINDS, *database_faults.KINDS)
#: Faults that may go on side by side.
_AT_ONCE = 6
#: What strikes raise when the servers are away for another fault's sake.
_AWAY = (redis.RedisError, psycopg2.Error, OSError, psutil.Error, KeyError)


@dataclass(frozen=True, slots=True)
class Appointment:
    """A fault that is to come."""

    #: Seconds since the storm began.
    at: float
    kind: Kind
    target: str
    #: Of what is random about this fault.
    seed: int


def schedule(ground: Ground, seed: int, count: int, seconds: float) -> list[Appointment]:
    """Spread faults over some seconds: each kind once, then by weight; the same for the same seed."""
    random = Random(f"storm-{seed}")  # noqa: S311 - nothing secret
    kinds = _kinds(ground, random)
    apart = seconds / max(1, count)
    made = []
    for number in range(count):
        kind = next(kinds)
        at = (number + random.uniform(0.2, 0.8)) * apart
        target = random.choice(kind.targets(ground))
        made.append(Appointment(at, kind, target, random.getrandbits(32)))
    return made


def _kinds(ground: Ground, random: Random) -> Iterator[Kind]:
    apt = [kind for kind in KINDS if kind.targets(ground)]
    random.shuffle(apt)
    yield from apt
    while True:
        yield from random.choices(apt, weights=[kind.weight for kind in apt])


class Storm:
    """Keeps the appointments.  Faults of different targets may overlap, of the same they do not."""

    def __init__(
        self,
        ground: Ground,
        appointments: Sequence[Appointment],
        tell: Callable[[Fault], None] = lambda _fault: None,
    ) -> None:
        self._ground = ground
        self._appointments = appointments
        self._tell = tell
        self._targets = {appointment.target: Lock() for appointment in appointments}
        self._began = 0.0
        self.faults: list[Fault] = []

    def rage(self) -> float:
        """Strike as scheduled; return when the last fault was repaired, by the monotonic clock."""
        self._began = time.monotonic()
        struck = []
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="storm") as pool:
            for appointment in self._appointments:
                early = self._began + appointment.at - time.monotonic()
                if self._ground.stop.wait(max(0.0, early)):
                    break
                struck.append(pool.submit(self._keep, appointment))
        for each in struck:
            each.result()
        return time.monotonic()

    def _keep(self, appointment: Appointment) -> None:
        with self._targets[appointment.target]:
            struck = time.monotonic()
            is_verified, evidence = self._strike(appointment)
            fault = Fault(
                kind=appointment.kind.name,
                target=appointment.target,
                at=round(struck - self._began, 2),
                seconds=round(time.monotonic() - struck, 2),
                is_verified=is_verified,
                evidence=evidence,
            )
        self.faults.append(fault)
        log.info("fault.struck", kind=fault.kind, verified=is_verified, evidence=evidence)
        self._tell(fault)

    def _strike(self, appointment: Appointment) -> tuple[bool, str]:
        random = Random(appointment.seed)  # noqa: S311 - nothing secret
        try:
            return True, appointment.kind.strike(self._ground, appointment.target, random)
        except Unverified as error:
            return False, str(error)
        except _AWAY as error:
            return False, f"{type(error).__name__}: {error}".strip()
