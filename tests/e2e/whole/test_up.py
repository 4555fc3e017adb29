from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psutil
import pytest
import urllib3

from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Answer, Instance, command, environment_of
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

PROCESSES = {
    "feed",
    "relay",
    "api",
    "beat",
    "flower",
    "metrics",
    "worker-orders",
    "worker-emergency",
    "worker-matching",
    "worker-greeks",
    "worker-portfolio",
    "worker-monitor",
}
SERVERS = {"guardian", "postgres", "broker", "cache"}
VARIABLES = {"ANGEL_X_TRACES_FILE": "traces.jsonl", "ANGEL_X_LOG_DECISIONS": "true"}
#: The spans of a trace that end last, of the API and of the worker.
LAST_SPANS = {"POST /v1/orders", "process orders.process_batch"}
#: Files of a home that the next start must not depend on, and how they are damaged.
EXPENDABLE: dict[str, Callable[[bytes], bytes]] = {
    "run.json": lambda _: bytes(64),
    "demo.key": lambda _: b"\xff" * 40,
    "flower.password": lambda _: b"",
    "metrics/counter_*.db": lambda _: b"",
    "metrics/histogram_*.db": lambda _: b"\xff" * 4096,
    "metrics/*.lock": lambda _: b"text",
    "servers/running.json": lambda _: b"{",
    "servers/*.lock": lambda _: b"\xff",
    "servers/broker/valkey.conf": lambda _: b"no setting\n",
    "servers/broker/appendonlydir/*.incr.aof": lambda commands: commands + bytes(64),
    "servers/postgres/pg_hba.conf": lambda _: b"",
}


def test_every_process_of_the_design_runs(whole: Instance) -> None:
    pids = whole.pids

    assert set(pids) == {"up"} | PROCESSES | SERVERS
    assert whole.process is not None
    assert pids["up"] == whole.process.pid
    assert all(psutil.pid_exists(pid) for pid in pids.values())


def test_the_run_file_is_for_its_owner_only(whole: Instance) -> None:
    assert stat.S_IMODE((whole.home / "run.json").stat().st_mode) == 0o600


def test_everything_that_has_a_page_answers(whole: Instance) -> None:
    places = whole.run_file

    assert urllib3.request("GET", f"{places['api_url']}/readyz").status == 200
    assert urllib3.request("GET", f"{places['flower_url']}/healthcheck").status == 200
    metrics = urllib3.request("GET", places["metrics_url"])
    assert b"angel_x_queue_depth" in metrics.data


def test_the_straddle_of_a_minute_is_stored(whole: Instance) -> None:
    key = (whole.home / "demo.key").read_text().strip()
    url = f"{whole.run_file['api_url']}/v1/option-chain/NIFTY/minutes"

    def quoted() -> list[str]:
        answer = urllib3.request("GET", url, headers={"Authorization": f"Bearer {key}"})
        return [each["straddle"] for each in answer.json()["minutes"] if each["straddle"]]

    assert float(eventually(quoted, "a minute is sampled with call and put", 300)[0]) > 0


def trace_of_an_order(whole: Instance, symbol: str) -> list[dict[str, Any]]:
    """Submit an order within a trace; return its spans once those of API and worker are written."""
    trace, key = uuid4().hex, (whole.home / "demo.key").read_text().strip()
    traceparent = f"00-{trace}-b7ad6b7169203331-01"
    answer = urllib3.request(
        "POST",
        f"{whole.run_file['api_url']}/v1/orders",
        json={"client_order_id": trace, "symbol": symbol, "side": "BUY", "quantity": 65},
        headers={"Authorization": f"Bearer {key}", "traceparent": traceparent},
    )
    assert answer.status == 202, answer.data

    def written() -> list[dict[str, Any]]:
        file = whole.home / VARIABLES["ANGEL_X_TRACES_FILE"]
        # The last line may not be whole yet.
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        spans = [json.loads(line) for line in lines if trace in line]
        found = [span for span in spans if span["context"]["trace_id"] == f"0x{trace}"]
        return found if {span["name"] for span in found} >= LAST_SPANS else []

    spans = eventually(written, "the spans of API and worker are written")
    assert key not in json.dumps(spans)
    return spans


def test_an_order_is_one_trace_from_its_request_to_its_statements(whole: Instance) -> None:
    symbol = whole.cli("chain", "NIFTY", "--json").document["rows"][0]["symbol"]

    def decided_in_it() -> list[dict[str, Any]]:
        # On a busy machine a doorbell of the relay may have the order decided in another trace.
        spans = trace_of_an_order(whole, symbol)
        return spans if "tell" in {span["name"] for span in spans} else []

    spans = eventually(decided_in_it, "an order is decided by its own doorbell", 300)

    names = {span["context"]["span_id"]: span["name"] for span in spans}
    assert {(names.get(span["parent_id"]), span["name"]) for span in spans} >= {
        (None, "POST /v1/orders"),
        ("POST /v1/orders", "accept"),
        ("accept", "send orders.process_batch"),
        ("send orders.process_batch", "process orders.process_batch"),
        ("process orders.process_batch", "transaction"),
        ("claim", "lock_free_accounts lock_controls claim"),
        *(("transaction", part) for part in ("claim", "decide", "record", "commit", "tell")),
    }
    services = {span["resource"]["attributes"]["service.name"] for span in spans}
    assert services == {"angel-x-api", "angel-x-orders"}
    told = [span["context"] for span in spans if span["name"] == "tell"]
    logs = "".join(file.read_text() for file in (whole.home / "logs").glob("worker-orders*.log"))
    decided = [set(line.split()) for line in logs.splitlines() if "order.decided" in line]
    assert [
        words
        for words in decided
        for tell in told
        if {f"{name}={tell[name].removeprefix('0x')}" for name in ("trace_id", "span_id")} <= words
    ]


def test_the_status_of_a_running_system_is_well(whole: Instance) -> None:
    def well() -> Answer | None:
        answer = whole.cli("status", "--json", "--over", "1")
        # On a busy machine a worker may take longer than a second to answer.
        return answer if answer.code == 0 and len(answer.document["running"]) > 4 else None

    shown = eventually(well, "the system is well", 300).document

    assert shown["is_well"] is True
    assert {role["role"]: role["processes"] for role in shown["roles"]}["orders"] > 0
    assert {queue["queue"] for queue in shown["queues"]} >= {"orders.emergency", "greeks"}
    assert {worker.partition("@")[0] for worker in shown["running"]} >= {"orders", "emergency"}


@pytest.mark.parametrize("name", ["worker-monitor", "relay"])
def test_a_killed_process_is_started_again(whole: Instance, name: str) -> None:
    before = whole.pids[name]

    os.kill(before, signal.SIGKILL)

    after = eventually(lambda: whole.pids.get(name) not in {None, before}, f"{name} is back")
    assert after
    assert psutil.pid_exists(whole.pids[name])


def test_a_killed_guardian_is_replaced_and_no_order_is_lost(whole: Instance) -> None:
    symbol = whole.cli("chain", "NIFTY", "--json").document["rows"][0]["symbol"]
    buy = json.dumps({"symbol": symbol, "side": "BUY", "quantity": 65})
    submit = ("submit", "-", "--user", "demo", "--json")
    before = whole.pids
    (accepted,) = whole.cli(*submit, stdin=buy).document["orders"]

    os.kill(before["guardian"], signal.SIGKILL)

    eventually(
        lambda: whole.pids.get("guardian") not in {None, before["guardian"]}, "another guardian"
    )
    url = f"{whole.run_file['api_url']}/readyz"
    eventually(lambda: urllib3.request("GET", url).status == 200, "the system is ready", 300)
    assert all(whole.pids[name] != before[name] for name in SERVERS)
    assert whole.pids["up"] == before["up"]
    stored = whole.cli("orders", str(accepted["order_id"]), "--json").document
    assert stored["events"][0]["status"] == "received"
    (again,) = whole.cli(*submit, stdin=buy).document["orders"]
    assert (again["order_id"], again["replayed"]) == (accepted["order_id"], True)


def test_a_second_system_in_the_same_home_is_refused(whole: Instance) -> None:
    elsewhere = environment_of(whole.home)

    refused = command(elsewhere, "up")

    assert refused.code == 1
    assert whole.process is not None
    assert str(whole.process.pid) in refused.error
    assert whole.cli("users", "list").code == 0


def test_a_taken_port_is_named_with_the_setting_that_moves_it(whole: Instance) -> None:
    with temporary_home() as home:
        taken = {
            **environment_of(home),
            "ANGEL_X_FLOWER_PORT": whole.environment["ANGEL_X_FLOWER_PORT"],
        }

        refused = command(taken, "up")

        assert refused.code == 1
        assert "ANGEL_X_FLOWER_PORT" in refused.error
        assert not home.exists()


def test_a_killed_system_leaves_nothing_running_and_comes_back_with_its_books(
    whole: Instance,
) -> None:
    whole.cli("users", "create", "survivor", "--cash", "5000")
    before = whole.pids

    whole.kill()

    assert whole.family() == []
    # What a killed system leaves behind must mislead neither a command nor the next start.
    assert (whole.home / "run.json").exists()
    assert "angel-x up" in whole.cli("users", "list").error
    for pattern, content in EXPENDABLE.items():
        for file in whole.home.glob(pattern):
            file.write_bytes(content(file.read_bytes()))
    refused = whole.cli("users", "list").error
    assert "run.json cannot be read" in refused
    assert "angel-x up" in refused
    whole.start()
    assert "server_files.put_aside" in whole.screen
    users = whole.cli("users", "list", "--json").document["users"]
    assert "survivor" in [user["name"] for user in users]
    assert set(whole.pids) == set(before)
    assert not set(whole.pids.values()) & set(before.values())


def test_a_system_that_is_told_to_stop_does_so_in_order(whole: Instance) -> None:
    assert whole.stop() == 0

    assert whole.family() == []
    assert not (whole.home / "run.json").exists()
    lines = [line for line in whole.screen.splitlines() if " stopped with " in line]
    stopped = [line.split()[0] for line in lines]
    assert set(stopped) == PROCESSES
    # Who asks for work stops before who does it.
    assert set(stopped[:4]) == {"api", "beat", "flower", "metrics"}
    assert "stopped with -9" not in whole.screen
