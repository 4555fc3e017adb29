"""``angel-x orders parked``, ``replay`` and ``--events``, and ``angel-x audit``."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from angel_x.bootstrap import Application
from tests.builders.environs import application_on
from tests.builders.orders import Market
from tests.e2e.processes import ROOT

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def application(environment: dict[str, str]) -> Iterator[Application]:
    with application_on(environment) as built:
        yield built


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "angel_x.entrypoints.cli", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def parked(application: Application) -> str:
    market = Market.open(application)
    (accepted,) = market.accept(market.account("asha"), market.request(client_order_id="mine"))
    application.trading.execution.park([accepted.order_id], "Traceback\nZeroDivisionError: why")
    return str(accepted.order_id)


def document(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_operator_finds_a_parked_order_replays_it_and_is_on_record(
    run: Run, parked: str
) -> None:
    (order,) = document(run("orders", "parked", "--json"))["orders"]
    assert (order["order_id"], order["account"]) == (parked, "asha")
    assert order["detail"].endswith("ZeroDivisionError: why")

    replayed = document(run("orders", "replay", parked, "--json"))
    assert replayed["client_order_id"] == "mine replay 1"

    again = run("orders", "replay", parked)
    assert again.returncode == 1
    assert "open or has traded" in again.stderr
    (entry,) = document(run("audit", "--subject", f"order:{parked}", "--json"))["entries"]
    assert entry["actor"] == f"cli:{getpass.getuser()}"
    assert entry["detail"]["order_id"] == replayed["order_id"]


def test_the_timeline_of_an_order_shows_actor_reason_time_and_attempt(
    run: Run, parked: str
) -> None:
    events = document(run("orders", parked, "--events", "--json"))["events"]

    assert [(e["status"], e["actor"], e["reason"], e["attempt"]) for e in events] == [
        ("received", "api", None, 0),
        ("denied", "execution", "PROCESSING_FAILED", 0),
    ]
    shown = run("orders", parked, "--events").stdout
    assert "PROCESSING_FAILED" in shown
    assert "ZeroDivisionError: why" in shown


def test_what_is_shown_to_people_names_the_order(run: Run, parked: str) -> None:
    assert "ZeroDivisionError: why" in run("orders", "parked").stdout
    assert f"Order {parked} is sent again" in run("orders", "replay", parked).stdout
    assert "order.replayed" in run("audit").stdout
    assert run("orders", "parked", "--json").stdout.strip().endswith("}")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["orders", "999999", "--events"], 1),
        (["orders", "none", "--events"], 1),
        (["orders", "--events"], 2),
        (["orders", "replay", "999999"], 1),
        (["audit", "--since", "yesterday"], 2),
        (["audit", "--after", "garbage"], 2),
    ],
)
def test_what_cannot_be_done_says_so_in_its_exit_code(
    run: Run, application: Application, arguments: list[str], code: int
) -> None:
    done = run(*arguments)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    with application.base.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar_one() == 0
