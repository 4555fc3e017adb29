"""What a client may take before its key is known, on the real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from time import monotonic
from uuid import uuid4

import msgspec
import pytest

from config.loading import load
from tests.builders.deadlines import DEADLINE_SECONDS, within
from tests.integration.api.running import RunningApi, running, wait_until

GET = b"GET /livez HTTP/1.1\r\nHost: test\r\n"
POST = b"POST /v1/orders HTTP/1.1\r\nHost: test\r\n"
MEGABYTE = b"a" * 1024 * 1024


@pytest.fixture(scope="module")
def api(module_environment: dict[str, str]) -> Iterator[RunningApi]:
    """An API that allows little time and few connections."""
    bounds = {
        "ANGEL_X_API_HEADER_TIMEOUT": "1",
        "ANGEL_X_API_BODY_TIMEOUT": "1",
        "ANGEL_X_API_MAX_CONNECTIONS": "20",
        "ANGEL_X_API_MAX_CONNECTIONS_PER_ADDRESS": "12",
    }
    with running(load(module_environment | bounds)) as api:
        api.application.market.contracts.load_generated()
        yield api


@pytest.fixture(autouse=True)
def no_connection_is_open(api: RunningApi) -> None:
    """Let connections of the test before end."""
    api.http.clear()
    wait_until(lambda: api.call("GET", "/livez").status == 200)


@contextmanager
def connected(api: RunningApi, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    port = int(api.url.rpartition(":")[2])
    with socket.create_connection(
        ("127.0.0.1", port), timeout=DEADLINE_SECONDS, source_address=(source, 0)
    ) as client:
        yield client


def answer_of(client: socket.socket) -> HTTPResponse:
    response = HTTPResponse(client)
    response.begin()
    return response


def check_refused(client: socket.socket, status: int) -> HTTPResponse:
    response = answer_of(client)
    problem = msgspec.json.decode(response.read())
    assert (response.status, problem["status"]) == (status, status)
    assert response.headers["connection"] == "close"
    assert response.headers["content-type"] == "application/problem+json"
    assert client.recv(1) == b""
    return response


def send_until_refused(client: socket.socket, start: bytes, megabytes: int) -> None:
    """Send a part of a request that never ends, as long as the server takes it."""
    client.sendall(start)
    for _ in range(megabytes):
        try:
            client.sendall(MEGABYTE)
        except OSError:
            return


@pytest.mark.parametrize(
    "start",
    [
        GET + b"X-Long: ",
        GET + b"X-",
        b"GET /livez?",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["value", "name", "target", "chunk extension"],
)
def test_an_endless_line_is_refused_and_costs_others_no_time(api: RunningApi, start: bytes) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(api)) for _ in range(4)]
        pool = stack.enter_context(ThreadPoolExecutor(4))
        sending = [pool.submit(send_until_refused, client, start, 32) for client in clients]

        for client in clients:
            assert answer_of(client).status in {400, 401, 431}
        assert api.call("GET", "/livez").status == 200
        assert all(each.result(DEADLINE_SECONDS) is None for each in sending)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (GET + b"X-Long: " + b"a" * 7000 + b"\r\n\r\n", 200),
        (GET + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(40)) + b"\r\n", 431),
        (GET + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(25)) + b"\r\n", 200),
        (b"GET /livez/" + b"a" * 9000 + b" HTTP/1.1\r\nHost: test\r\n\r\n", 414),
        (b"NONSENSE\r\n\r\n", 400),
    ],
    ids=["line", "shorter line", "block", "shorter block", "target", "no HTTP"],
)
def test_lines_blocks_and_targets_have_bounds(
    api: RunningApi, request_: bytes, status: int
) -> None:
    with connected(api) as client:
        client.sendall(request_)

        if status == 200:
            assert answer_of(client).status == 200
        else:
            check_refused(client, status)


def test_the_second_request_of_a_chunk_has_the_same_bounds(api: RunningApi) -> None:
    long = GET + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n"
    with connected(api) as client:
        client.sendall(GET + b"\r\n" + long)

        statuses = [line for line in _all(client).split(b"\r\n") if line.startswith(b"HTTP/1.1")]

    # The first one may be cut off, but the second one is never taken.
    assert b"HTTP/1.1 200 OK" not in statuses[1:]


def _all(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


@pytest.mark.parametrize(
    "start",
    [GET, GET + b"X-Half: a", POST + b"Content-Length: 50\r\n\r\n{"],
    ids=["headers", "a line", "a body"],
)
def test_a_request_that_does_not_arrive_in_time_is_refused(api: RunningApi, start: bytes) -> None:
    _, key = api.open_account(uuid4().hex)
    authorized = start.replace(b"Host", b"Authorization: Bearer %s\r\nHost" % key.encode())
    with connected(api) as client:
        began = monotonic()
        client.sendall(authorized)

        check_refused(client, 408)

    assert monotonic() - began >= 1


def test_drops_of_a_request_do_not_extend_its_time(api: RunningApi) -> None:
    with connected(api) as client:
        client.sendall(GET + b"X-Slow: ")
        client.settimeout(0.05)

        def is_answered() -> bool:
            try:
                client.sendall(b"a")
                return client.recv(1, socket.MSG_PEEK) != b""
            except TimeoutError:
                return False

        wait_until(is_answered)
        client.settimeout(DEADLINE_SECONDS)
        check_refused(client, 408)


def test_a_silent_connection_is_closed_without_an_answer(api: RunningApi) -> None:
    with connected(api) as client:
        assert client.recv(1) == b""


def test_half_sent_requests_shut_nobody_out(api: RunningApi) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(api)).sendall(GET)

        for source in ("127.0.0.1", "127.0.0.2"):
            client = stack.enter_context(connected(api, source))
            client.sendall(GET + b"\r\n")
            assert answer_of(client).status == 200


def test_an_address_has_fewer_connections_than_all_have(api: RunningApi) -> None:
    def opened(source: str) -> tuple[socket.socket, int]:
        client = stack.enter_context(connected(api, source))
        client.sendall(GET + b"\r\n")
        response = answer_of(client)
        response.read()
        return client, response.status

    with ExitStack() as stack:
        mine = [opened("127.0.0.3") for _ in range(13)]
        others = [opened("127.0.0.4") for _ in range(9)]

    assert [status for _, status in mine] == [200] * 12 + [503]
    # Connections of the test itself may be among the twenty.
    assert 6 <= [status for _, status in others].index(503) <= 8
    wait_until(lambda: api.call("GET", "/livez").status == 200)


def test_too_many_connections_are_told_when_to_come_back(api: RunningApi) -> None:
    with ExitStack() as stack:
        for _ in range(12):
            client = stack.enter_context(connected(api))
            client.sendall(GET + b"\r\n")
            answer_of(client).read()

        response = check_refused(stack.enter_context(connected(api)), 503)

    assert response.headers["retry-after"] == "1"


def test_a_thousand_orders_and_a_stream_outlive_the_time_of_headers_and_bodies(
    api: RunningApi,
) -> None:
    user_id, key = api.open_account(uuid4().hex)
    orders = [api.order_fields() | {"client_order_id": f"c-{n}"} for n in range(1000)]
    stream = b"GET /v1/stream HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\n\r\n"
    with connected(api) as listener, connected(api) as silent:
        listener.sendall(stream % key.encode())
        assert silent.recv(1) == b""

        answer = api.call("POST", "/v1/orders", key=key, content={"orders": orders})

        assert answer.status == 202
        assert len(answer.body["orders"]) == 1000
        api.application.base.events.publish([{"user_id": user_id, "kind": "alert"}])
        events = answer_of(listener)
        assert events.status == 200
        lines = iter(events.readline, b"")
        assert within(lambda: any(b"event: alert" in line for line in lines))


def test_an_aborted_upload_is_no_error(api: RunningApi, capsys: pytest.CaptureFixture[str]) -> None:
    _, key = api.open_account(uuid4().hex)
    before = api.count("orders")
    head = POST + b"Authorization: Bearer %s\r\nContent-Length: 500\r\n\r\n{" % key.encode()
    with connected(api) as client:
        client.sendall(head)
    seen = ""

    def is_logged() -> bool:
        nonlocal seen
        seen += capsys.readouterr().out
        return "request.aborted" in seen

    wait_until(is_logged)
    assert "rror" not in seen
    assert api.count("orders") == before
