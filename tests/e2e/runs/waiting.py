"""Tests that start everything there is and wait to be killed; run by path, and never collected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.e2e.processes import Processes
from tests.faults.nursery import nursery
from tests.plugins.runs import marked, memory_folder

TOLD = Path(os.environ["TOLD"])


@pytest.mark.parametrize("number", range(2))
def test_it_waits(
    number: int, system: Processes, environment: dict[str, str], tmp_path: Path
) -> None:
    system.worker("worker", "monitor")
    folder = tempfile.mkdtemp()
    with nursery(environment, tmp_path) as forked:
        forked.relay("relay")
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=marked({}))
        told = {
            "pid": os.getpid(),
            "folders": [str(tmp_path), folder, str(memory_folder()), os.environ["AX_TEST_RUN"]],
        }
        draft = TOLD / f"{number}.draft"
        draft.write_text(json.dumps(told))
        draft.rename(TOLD / f"{number}.json")
        signal.pause()
