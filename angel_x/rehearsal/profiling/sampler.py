"""Samples of the calls of one thread, taken by another."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from types import FrameType, TracebackType
from typing import Self

from angel_x.rehearsal.profiling.part import Stack

_PERIOD_SECONDS = 0.002
#: Before the rest of a path, with the package that the rest belongs to.
_ROOTS = {"/site-packages/": "", "/angel_x/": "angel_x/"}


class Sampler:
    """Counts the stacks of the thread that enters the block."""

    def __init__(self) -> None:
        self.samples: Counter[Stack] = Counter()
        self._ended = threading.Event()
        self._watched = 0
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._watched = threading.get_ident()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_PERIOD_SECONDS):
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the documented way
            if frame is not None:
                self.samples[stack_of(frame)] += 1


def stack_of(frame: FrameType | None) -> Stack:
    """Return the calls that lead to a frame, the outermost first."""
    calls = []
    while frame is not None:
        code = frame.f_code
        calls.append(f"{short(code.co_filename)}:{code.co_name}")
        frame = frame.f_back
    return tuple(reversed(calls))


def short(path: str) -> str:
    """Return a path from its package on."""
    for root, package in _ROOTS.items():
        _, found, rest = path.rpartition(root)
        if found:
            return package + rest
    return path.rpartition("/")[2]
