"""The units of systemd fit the command line, and give a process no more than it needs."""

from __future__ import annotations

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from config.celery_options import TIME_LIMIT
from config.queues import WORKER_QUEUES
from tests.unit.deploy import compose
from tests.unit.deploy.test_compose import parsed

FOLDER = compose.DEPLOY / "systemd"
UNITS = sorted(path for path in FOLDER.iterdir() if path.is_file())
HARDENING = FOLDER / "angel-x-.service.d" / "hardening.conf"
PROCESSES = ("beat", "relay", "feed", "flower", "metrics", "desk", "telegram")
#: Units as they are started, with the file that each is made from.
STARTED = {
    "angel-x-api.service": "angel-x-api.service",
    **{f"angel-x-worker@{kind}.service": "angel-x-worker@.service" for kind in WORKER_QUEUES},
    **{f"angel-x-process@{name}.service": "angel-x-process@.service" for name in PROCESSES},
}
ANALYZE = shutil.which("systemd-analyze")
#: In tenths, of a scale on which a unit without any hardening has 96.
EXPOSED_AT_MOST = 20


def unit(name: str) -> ConfigParser:
    # A directive may stand twice, and the later one counts or is added.
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FOLDER / name)
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_can_be_parsed_and_says_what_it_is(path: Path) -> None:
    assert unit(path.name)["Unit"]["Description"]


@pytest.mark.parametrize("name", STARTED)
def test_the_command_of_a_unit_is_one_of_the_command_line(name: str) -> None:
    instance = name.partition("@")[2].removesuffix(".service")
    program, *arguments = (
        unit(STARTED[name])["Service"]["ExecStart"].replace("%i", instance).split()
    )

    assert program == "/opt/angel-x/bin/angel-x"
    assert parsed(arguments).command.callback is not None


def test_the_service_serves_on_the_socket_that_systemd_keeps() -> None:
    service, socket = unit("angel-x-api.service"), unit("angel-x-api.socket")
    _, *arguments = service["Service"]["ExecStart"].split()

    assert parsed(arguments).params == {"fd": 3}
    assert service["Unit"]["Requires"] == "angel-x-api.socket"
    assert socket["Socket"]["ListenStream"] == "127.0.0.1:8000"


def test_a_worker_may_finish_its_task_before_it_is_killed() -> None:
    assert int(unit("angel-x-worker@.service")["Service"]["TimeoutStopSec"]) > TIME_LIMIT
    assert unit(str(HARDENING))["Service"]["KillMode"] == "mixed"


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["angel-x-api.service", "angel-x-worker@orders.service"])
def test_systemd_knows_every_directive_and_a_process_is_hardly_exposed(
    name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "units"
    shutil.copytree(FOLDER, folder)
    text = (FOLDER / STARTED[name]).read_text(encoding="utf-8")
    # The program is not installed here.
    (folder / name).write_text(text.replace("/opt/angel-x/bin/angel-x", "/bin/true"))

    def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ANALYZE), *arguments, f"./{name}"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    # It prints unknown directives, and ends with 0 all the same.
    assert analyzed("verify", "--man=no", "--recursive-errors=no").stderr == ""
    exposed = analyzed("security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", "--no-pager")
    assert exposed.returncode == 0, exposed.stdout
