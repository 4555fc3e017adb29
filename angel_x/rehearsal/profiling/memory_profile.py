"""The memory of work: each allocation by its line, with memray."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from angel_x.errors import ProfilerMissing
from angel_x.rehearsal.profiling.sampler import short
from angel_x.rehearsal.profiling.workload import Work

_SHOWN = 20
_MEGABYTE = 1024 * 1024
_INSTALL = "memray is not installed: pip install 'angel-x[profile]' (Linux and macOS)"


@dataclass(frozen=True, slots=True)
class Line:
    """A line with the memory that it held when the process was largest."""

    line: str
    megabytes: float
    allocations: int


@dataclass(frozen=True, slots=True)
class MemoryProfile:
    work: str
    units: int
    #: Of the work itself, at its peak.
    peak_mb: float
    #: The twenty lines that held most.
    lines: tuple[Line, ...]
    flame_graph: str
    recording: str


def check_memray() -> None:
    """Raise ProfilerMissing where memray cannot be imported, before anything is prepared."""
    try:
        import memray  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ProfilerMissing(_INSTALL) from None


def profile_memory(work: Work, name: str, directory: Path) -> MemoryProfile:
    """Do the work under memray, and write ``memory-<name>.bin`` and ``memory-<name>.html``.

    Raises:
        ProfilerMissing: memray is not installed, or cannot draw its graph.
    """
    check_memray()
    import memray  # noqa: PLC0415 - an extra

    directory.mkdir(parents=True, exist_ok=True)
    recording = directory / f"memory-{name}.bin"
    recording.unlink(missing_ok=True)
    with memray.Tracker(recording):
        units = work()
    with memray.FileReader(recording) as reader:
        held: Counter[str] = Counter()
        allocations: Counter[str] = Counter()
        for record in reader.get_high_watermark_allocation_records(merge_threads=True):
            line = _line(record.stack_trace(max_stacks=1))
            held[line] += record.size
            allocations[line] += record.n_allocations
    return MemoryProfile(
        work=name,
        units=units,
        peak_mb=round(sum(held.values()) / _MEGABYTE, 2),
        lines=tuple(
            Line(line, round(size / _MEGABYTE, 3), allocations[line])
            for line, size in held.most_common(_SHOWN)
        ),
        flame_graph=str(_drawn(recording)),
        recording=str(recording),
    )


def _line(stack: list[tuple[str, str, int]]) -> str:
    if not stack:
        return "outside of Python"
    function, file, number = stack[0]
    return f"{short(file)}:{number} {function}"


def _drawn(recording: Path) -> Path:
    page = recording.with_suffix(".html")
    command = [
        sys.executable,
        "-m",
        "memray",
        "flamegraph",
        "--force",
        "-o",
        str(page),
        str(recording),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    if done.returncode:
        raise ProfilerMissing(f"memray cannot draw its graph: {done.stderr.strip()[-200:]}")
    return page
