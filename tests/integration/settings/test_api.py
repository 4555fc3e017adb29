"""What the API takes, how it answers, and where."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from angel_x.entrypoints.api.application import create_app
from tests.builders.deadlines import DEADLINE_SECONDS
from tests.integration.api.running import wait_until
from tests.integration.settings.conftest import Build, StartApi

ROOT = Path(__file__).parents[3]
SERVE = """
import os
from angel_x.entrypoints.api.server import run
from config.loading import load
run(load(os.environ))
"""


@pytest.mark.parametrize(("size", "status"), [(2, 429), (3, 202)])
def test_no_more_orders_wait_than_max_queue_size(
    start_api: StartApi, size: int, status: int
) -> None:
    api = start_api(MAX_QUEUE_SIZE=size)
    api.application.market.contracts.load_generated()
    _, key = api.open_account("trader")
    orders = [api.order_fields() | {"client_order_id": name} for name in "abc"]

    answers = [api.call("POST", "/v1/orders", key=key, content=order) for order in orders]

    assert [answer.status for answer in answers] == [202, 202, status]
    assert ("retry-after" in answers[-1].headers) == (status == 429)
    assert api.count("orders") == min(size, 3)


@pytest.mark.parametrize(("enabled", "encoding"), [("true", "gzip"), ("false", None)])
def test_gzip_enabled_decides_whether_answers_are_compressed(
    start_api: StartApi, enabled: str, encoding: str | None
) -> None:
    api = start_api(GZIP_ENABLED=enabled)

    answer = api.call("GET", "/openapi.json", Accept_Encoding="gzip")

    assert answer.headers.get("content-encoding") == encoding


def test_a_submission_waits_for_api_response_timeout_and_no_longer(start_api: StartApi) -> None:
    impatient, patient = start_api(API_RESPONSE_TIMEOUT=0.2), start_api(API_RESPONSE_TIMEOUT=30)
    patient.application.market.contracts.load_generated()
    _, key = patient.open_account("trader")
    first, second = (patient.order_fields() | {"client_order_id": name} for name in "ab")

    with ThreadPoolExecutor(1) as pool:
        with patient.application.base.engine.begin() as blocker:
            blocker.exec_driver_sql("LOCK TABLE orders IN SHARE MODE")
            waiting = pool.submit(patient.call, "POST", "/v1/orders", key=key, content=first)
            given_up = impatient.call("POST", "/v1/orders", key=key, content=second)
        answered = waiting.result(DEADLINE_SECONDS)

    assert (given_up.status, answered.status) == (503, 202)


@pytest.mark.parametrize("threads", [4, 17])
def test_blocking_work_gets_thread_pool_size_threads(built: Build, threads: int) -> None:
    app = create_app(built("api", THREAD_POOL_SIZE=threads, DB_MAX_POOL_SIZE=20))

    assert app.state.bulkheads.threads == threads


def test_a_lock_is_waited_for_no_longer_than_api_lock_timeout_ms(start_api: StartApi) -> None:
    impatient, patient = start_api(API_LOCK_TIMEOUT_MS=50), start_api(API_LOCK_TIMEOUT_MS=10_000)
    patient.application.market.contracts.load_generated()
    user_id, key = patient.open_account("trader")
    first, second = (patient.order_fields() | {"client_order_id": name} for name in "ab")

    with ThreadPoolExecutor(1) as pool:
        with patient.application.base.engine.begin() as blocker:
            blocker.exec_driver_sql(f"SELECT FROM users WHERE id = {user_id} FOR UPDATE")
            waiting = pool.submit(patient.call, "POST", "/v1/orders", key=key, content=first)
            given_up = impatient.call("POST", "/v1/orders", key=key, content=second)
        answered = waiting.result(DEADLINE_SECONDS)

    assert (given_up.status, answered.status) == (503, 202)
    assert given_up.body["type"] == "urn:angel-x:account-busy"
    assert patient.count("orders") == 1


def test_more_bad_keys_than_bad_keys_per_second_are_not_looked_up(start_api: StartApi) -> None:
    strict, lenient = start_api(BAD_KEYS_PER_SECOND=0.1), start_api(BAD_KEYS_PER_SECOND=1000)
    keys = [f"ax_{n:012x}_{'0' * 64}" for n in range(3)]

    statuses = [
        [api.call("GET", "/v1/orders", key=key).status for key in keys] for api in (strict, lenient)
    ]

    assert statuses == [[401, 429, 429], [401, 401, 401]]


@contextmanager
def serving(environ: dict[str, str], host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the process of the API."""
    place = {"ANGEL_X_API_HOST": host, "ANGEL_X_API_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=ROOT,
        env={**os.environ, **environ, **place},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def listens(host: str, port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((host, port)) == 0


@pytest.mark.parametrize(
    ("host", "other"), [("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")]
)
def test_the_api_listens_at_api_host_and_api_port(
    environ: dict[str, str], host: str, other: str
) -> None:
    with socket.create_server((host, 0)) as found:
        port = int(found.getsockname()[1])

    with serving(environ, host, port) as process:
        wait_until(lambda: process.poll() is None and listens(host, port))
        assert not listens(other, port)
