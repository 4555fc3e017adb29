"""A process without a directory for its compiled kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_python(program: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_place_without_a_directory_to_write_to_only_costs_the_cache(tmp_path: Path) -> None:
    program = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
from angel_x.bootstrap import kernels as chooser
chooser._compile_apart = lambda: None
kernels = chooser.choose_kernels("numba")
chooser.choose_kernels("numba")
import numpy as np
from angel_x.domain.pricing.contracts import broadcast
out = np.empty(1)
kernels.price(broadcast((42.0, 40.0, 0.5, 0.1, 0.0, 0.2), True)[0], out)
print(round(float(out[0]), 2), kernels.is_cached)
"""

    # Unoptimized, it compiles in half the time; what the cache of others holds is not.
    quick = {"NUMBA_OPT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    *logged, last = run_python(program, **quick).splitlines()

    assert last == "4.76 False"
    assert sum("kernels.uncached" in line for line in logged) == 1
