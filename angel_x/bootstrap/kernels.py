"""The pricing kernels of a process, as its settings choose them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from time import monotonic

import structlog

from angel_x.domain.pricing.kernels import COMPILED, Backend, Kernels, chosen, is_recompiled

log = structlog.get_logger()


def choose_kernels(backend: Backend) -> Kernels:
    """Return the kernels of a setting, and log a slow compilation; a second call returns the same.

    A worker calls it before its fork, so that its children share the compiled code.
    """
    is_known = COMPILED in sys.modules
    started = monotonic()
    if backend != "numpy" and not is_known and find_spec("numba"):
        _compile_apart()
    kernels = chosen(backend)
    if COMPILED in sys.modules and not is_known:
        _log_compiled(kernels, monotonic() - started)
    return kernels


def _compile_apart() -> None:
    """Fill the compile cache in a short process: the compiler keeps 70 MB that the kernels do not need.

    If that fails, this process compiles the kernels itself.
    """
    command = [sys.executable, "-c", f"import {COMPILED}"]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - it runs this package


def _log_compiled(kernels: Kernels, seconds: float) -> None:
    log.info("kernels.compiled", backend=kernels.name, seconds=round(seconds, 2))
    if is_recompiled(kernels):
        log.warning(
            "kernels.uncached",
            backend=kernels.name,
            hint="set NUMBA_CACHE_DIR to a directory that this process may write to",
        )
