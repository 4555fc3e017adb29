"""The time of work: every call under cProfile, and samples of the stacks beside it."""

from __future__ import annotations

import cProfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import CodeType

from angel_x.rehearsal.profiling.flame_graph import flame_graph
from angel_x.rehearsal.profiling.part import Share, shares
from angel_x.rehearsal.profiling.sampler import Sampler, short
from angel_x.rehearsal.profiling.workload import Work

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its times in milliseconds."""

    function: str
    calls: int
    #: Of the function alone, and with everything that it calls.
    own_ms: float
    cumulative_ms: float


@dataclass(frozen=True, slots=True)
class TimeProfile:
    work: str
    units: int
    #: With the profiler, which slows Python down by a factor of about two.
    seconds: float
    #: The twenty with the longest cumulative time.
    calls: tuple[Call, ...]
    shares: tuple[Share, ...]
    flame_graph: str
    statistics: str


def profile_time(work: Work, name: str, directory: Path) -> TimeProfile:
    """Do the work under both profilers, and write ``<name>.svg`` and ``<name>.pstats``."""
    profiler, sampler = cProfile.Profile(), Sampler()
    started = perf_counter()
    with sampler:
        units = profiler.runcall(work)
    seconds = perf_counter() - started
    directory.mkdir(parents=True, exist_ok=True)
    graph, statistics = directory / f"{name}.svg", directory / f"{name}.pstats"
    title = f"angel-x profile {name}: {units:,} in {seconds:.1f} s"
    graph.write_text(flame_graph(sampler.samples, title), encoding="utf-8")
    profiler.dump_stats(statistics)
    return TimeProfile(
        work=name,
        units=units,
        seconds=round(seconds, 3),
        calls=slowest(profiler),
        shares=tuple(shares(sampler.samples)),
        flame_graph=str(graph),
        statistics=str(statistics),
    )


def slowest(profiler: cProfile.Profile) -> tuple[Call, ...]:
    """Return the functions with the longest cumulative time."""
    calls = [
        Call(
            function=_named(entry.code),
            calls=entry.callcount,
            own_ms=round(1000 * entry.inlinetime, 1),
            cumulative_ms=round(1000 * entry.totaltime, 1),
        )
        for entry in profiler.getstats()
    ]
    return tuple(sorted(calls, key=lambda call: -call.cumulative_ms)[:_SHOWN])


def _named(code: CodeType | str) -> str:
    """Return the place and the name of a function; one in C has its description only."""
    if isinstance(code, str):
        return code
    return f"{short(code.co_filename)}:{code.co_firstlineno} {code.co_name}"
