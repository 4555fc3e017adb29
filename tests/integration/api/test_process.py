from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3

from tests.builders.deadlines import DEADLINE_SECONDS
from tests.integration.api.running import wait_until

SERVE = """
import os
from angel_x.entrypoints.api.server import run
from config.loading import load
run(load(os.environ))
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


@pytest.fixture
def process(
    environment: dict[str, str], port: int, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The API as a process of its own, with everything switched on."""
    variables = {
        **os.environ,
        **environment,
        "ANGEL_X_API_PORT": str(port),
        "ANGEL_X_HOME": str(tmp_path),
        "ANGEL_X_METRICS_ENABLED": "true",
    }
    log = tmp_path / "api.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=variables,
            stderr=output,
            preexec_fn=few_files,  # noqa: PLW1509 - one call into the kernel
        ) as process,
    ):
        yield process
        process.kill()


def is_alive(port: int) -> bool:
    """Ask on a new connection."""
    with urllib3.PoolManager(retries=False, timeout=DEADLINE_SECONDS) as http:
        try:
            return http.request("GET", f"http://127.0.0.1:{port}/livez").status == 200
        except urllib3.exceptions.HTTPError:
            return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_half_sent_requests_beyond_its_files_shut_nobody_out_and_a_signal_ends_the_process(
    process: subprocess.Popen[bytes], port: int, number: signal.Signals
) -> None:
    wait_until(lambda: process.poll() is None and is_alive(port))
    with ExitStack() as stack:
        for _ in range(300):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            half.sendall(b"GET /livez HTTP/1.1\r\nHost: test")

        assert is_alive(port)
    process.send_signal(number)

    assert process.wait(DEADLINE_SECONDS) == 0


def test_it_serves_this_machine_only_unless_told_otherwise(
    process: subprocess.Popen[bytes], port: int
) -> None:
    def listeners() -> list[str]:
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return [row.split()[1] for row in rows if row.split()[1].endswith(f":{port:04X}")]

    wait_until(lambda: bool(listeners()))

    assert listeners() == [f"0100007F:{port:04X}"]
