"""Images, pods and units start the programs that `angel-x up` starts, which tests run as processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.programs import MarketChoice, stages
from config.queues import WORKER_QUEUES
from tests.unit.deploy import compose
from tests.unit.deploy.test_kubernetes import ONCE
from tests.unit.deploy.test_systemd import STARTED, unit

#: Arguments of a simulated feed that have a default.
OPTIONAL = ("--seed", "1", "--speed", "1")


def started_by_up(home: Path) -> set[tuple[str, ...]]:
    """Return the commands of a whole system, without the program."""
    url = "http://127.0.0.1:1"
    addresses = Addresses(url, url, url, url, url, url, url, url)
    environ = {
        "ANGEL_X_HOME": str(home),
        "ANGEL_X_API_HOST": "127.0.0.1",
        "ANGEL_X_API_PORT": "1",
        "ANGEL_X_ALERTS_KEY": f"{'k' * 43}=",
        "ANGEL_X_TELEGRAM_TOKEN": f"123:{'t' * 35}",
    }
    programs = [each for stage in stages(addresses, environ, MarketChoice()) for each in stage]
    found = {
        program.argv[program.argv.index("angel_x.entrypoints.cli") + 1 :] for program in programs
    }
    return {tuple(part for part in command if part not in OPTIONAL) for command in found}


def of_compose() -> set[tuple[str, ...]]:
    return {tuple(each["command"]) for name, each in compose.ours().items() if name not in ONCE}


def of_kubernetes() -> set[tuple[str, ...]]:
    files = (compose.DEPLOY / "kubernetes" / "base" / "processes").glob("*.yaml")
    resources = [r for file in files for r in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return {
        tuple(resource["spec"]["template"]["spec"]["containers"][0]["args"])
        for resource in resources
        if resource["kind"] == "Deployment"
    }


def of_systemd() -> set[tuple[str, ...]]:
    found = set()
    for name, file in STARTED.items():
        instance = name.partition("@")[2].removesuffix(".service")
        _, *arguments = unit(file)["Service"]["ExecStart"].replace("%i", instance).split()
        found.add(tuple(arguments))
    return found


def test_up_starts_every_process_of_the_design(tmp_path: Path) -> None:
    assert len(started_by_up(tmp_path)) == len(WORKER_QUEUES) + len(
        {"feed", "relay", "api", "beat", "flower", "metrics", "desk", "telegram"}
    )


@pytest.mark.parametrize("commands", [of_compose(), of_kubernetes()], ids=["compose", "kubernetes"])
def test_containers_run_the_commands_of_up(commands: set[tuple[str, ...]], tmp_path: Path) -> None:
    assert commands == started_by_up(tmp_path)


def test_units_run_them_too_with_the_socket_of_systemd_and_the_default_feed(tmp_path: Path) -> None:
    different = of_systemd() ^ started_by_up(tmp_path)

    assert different == {
        ("api",),
        ("api", "--fd", "3"),
        ("feed",),
        ("feed", "--source", "simulator"),
    }
