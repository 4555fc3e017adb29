"""The page on a day of live trading, followed command by command at a fake exchange."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT, eventually
from tests.e2e.whole.instance import Instance, environment_of
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

BLOCK = re.compile(r"<!-- session -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Everything that the session has started ends in order, as by Ctrl-C.
ENDING = "trap 'kill -INT $(jobs -p); wait' EXIT"
SECONDS = 1_800


@pytest.fixture
def instance() -> Iterator[Instance]:
    with temporary_home() as home:
        made = Instance(home, environment_of(home))
        yield made
        eventually(lambda: not made.family(), "all processes of the system are gone", 300)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reader's directory, with the command on its PATH."""
    command = tmp_path / "bin" / "angel-x"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m angel_x.entrypoints.cli "$@"\n')
    command.chmod(0o755)
    return tmp_path


def followed(instance: Instance, folder: Path) -> str:
    """Follow the page; return all that its commands print."""
    script = "\n".join(BLOCK.findall((ROOT / "docs/live-day.md").read_text(encoding="utf-8")))
    environ = {
        **instance.environment,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{instance.environment['PATH']}",
    }
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-m", "-c", f"{ENDING}\n{script}"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=300)
    system = (folder / "up.log").read_text() if (folder / "up.log").exists() else ""
    assert process.returncode == 0, f"{printed}\n{system}"
    return printed


def test_a_day_of_live_trading_goes_as_the_page_says(instance: Instance, folder: Path) -> None:
    printed = followed(instance, folder)

    steps = (
        "no order goes there now: LIVE_UNCONFIRMED",
        "confirmed until",
        "angel-x-2",
        "1 orders: 1 have traded on both sides",
        "no order goes there now: LIVE_UNCONFIRMED",
    )
    at = [0]
    for words in steps:
        at.append(printed.index(words, at[-1]))
    assert "angel-x-1 " not in printed, "the order of before the confirmation was never sent"
