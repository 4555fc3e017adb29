from __future__ import annotations

import subprocess
import sys

import pytest

from angel_x import Client
from angel_x.errors import (
    AngelXError,
    ApiError,
    Conflict,
    Fault,
    InvalidRequest,
    NotFound,
    Overloaded,
    Unauthorized,
    Unavailable,
)
from tests.unit.client.conftest import Script

RECEIPTS = {"orders": [{"order_id": "1", "client_order_id": "a", "status": "received"}]}
MARGIN = {
    "cash": "10.00",
    "collateral": "0.00",
    "margin_used": "0.00",
    "free_balance": "10.00",
    "realised_pnl": "0.00",
}


def test_an_order_without_an_id_is_given_one_that_every_attempt_keeps(
    script: Script, client: Client
) -> None:
    script.hang_up()
    script.answer(503, {"detail": "busy"})
    script.answer(202, RECEIPTS)

    client.submit({"symbol": "S", "side": "BUY", "quantity": 75})

    bodies = [body for _, _, body in script.requests]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["orders"][0]["client_order_id"]


def test_an_id_that_the_caller_gave_is_kept(script: Script, client: Client) -> None:
    script.answer(202, RECEIPTS)

    (receipt,) = client.submit([{"client_order_id": "a"}])

    assert script.requests[0][2] == {"orders": [{"client_order_id": "a"}]}
    assert receipt.order_id == "1"


def test_reads_are_tried_again_with_growing_pauses(
    script: Script, client: Client, pauses: list[float]
) -> None:
    for status in (500, 502, 504):
        script.answer(status, {})
    script.answer(200, MARGIN)

    assert str(client.margin().free_balance) == "10.00"
    assert pauses == [0.5, 1.0, 2.0]


def test_the_pause_is_at_least_what_the_server_asks_for(
    script: Script, client: Client, pauses: list[float]
) -> None:
    script.answer(429, {}, Retry_After="7")
    script.answer(202, RECEIPTS)

    client.submit({})

    assert pauses == [7.0]


def test_attempts_end(script: Script, client: Client) -> None:
    for _ in range(4):
        script.answer(503, {"detail": "a server behind the API did not answer"})

    with pytest.raises(Unavailable, match="did not answer") as failure:
        client.margin()

    assert failure.value.status == 503
    assert len(script.requests) == 4


def test_a_server_that_is_not_there_is_unavailable(pauses: list[float]) -> None:
    script = Script()
    url = script.url
    script.close()

    client = Client(url, "key", retries=1, pause=pauses.append)
    with client, pytest.raises(Unavailable, match="did not answer"):
        client.positions()

    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (413, InvalidRequest),
        (422, InvalidRequest),
    ],
)
def test_a_refusal_is_raised_at_once_with_its_faults(
    script: Script, client: Client, pauses: list[float], status: int, kind: type[ApiError]
) -> None:
    fault = {"index": 3, "field": "quantity", "value": "0", "detail": "must be positive"}
    script.answer(status, {"detail": "refused", "errors": [fault]})

    with pytest.raises(kind, match="refused") as refusal:
        client.submit({})

    assert isinstance(refusal.value, AngelXError)
    assert refusal.value.faults == (Fault(3, "quantity", "0", "must be positive"),)
    assert refusal.value.status == status
    assert not pauses


def test_overload_that_lasts_is_raised_with_the_time_to_wait(
    script: Script, client: Client
) -> None:
    for _ in range(4):
        script.answer(429, {"detail": "too many"}, Retry_After="2")

    with pytest.raises(Overloaded) as refusal:
        client.submit({})

    assert refusal.value.retry_after == 2.0


def test_an_answer_that_is_no_problem_is_still_an_error(script: Script, client: Client) -> None:
    script.answer(404, b"<html>not found</html>")

    with pytest.raises(NotFound, match="404"):
        client.margin()


def test_a_cancel_is_tried_once(script: Script, client: Client) -> None:
    script.answer(503, {})

    with pytest.raises(Unavailable):
        client.cancel("7")

    assert [(method, path) for method, path, _ in script.requests] == [("DELETE", "/v1/orders/7")]


def test_ids_cannot_break_out_of_their_path(script: Script, client: Client) -> None:
    script.answer(404, {})

    with pytest.raises(NotFound):
        client.submission("a/../b?c#d")

    assert script.requests[0][1] == "/v1/submissions/a%2F..%2Fb%3Fc%23d"


def test_importing_the_client_brings_no_server_library_along() -> None:
    code = (
        "import sys; from angel_x import Client; "
        "heavy = {'numpy', 'sqlalchemy', 'redis', 'celery', 'fastapi', 'pydantic'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()
