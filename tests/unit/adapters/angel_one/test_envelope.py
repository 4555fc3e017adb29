from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.adapters.angel_one.codes import CODES, Failure
from angel_x.adapters.angel_one.envelope import unwrap
from angel_x.errors import (
    BrokerError,
    BrokerLoginRefused,
    BrokerRefused,
    BrokerSessionEnded,
    BrokerThrottled,
    BrokerUnavailable,
)

OK = {"status": True, "message": "SUCCESS", "errorcode": ""}
ERRORS = {
    Failure.SESSION: BrokerSessionEnded,
    Failure.LOGIN: BrokerLoginRefused,
    Failure.REFUSED: BrokerRefused,
    Failure.UNCLEAR: BrokerUnavailable,
}
#: The codes of section 4 of the wire contract.
PUBLISHED = [
    "AG8001",
    "AG8002",
    "AG8003",
    "AB8050",
    "AB8051",
    "AB1000",
    "AB1001",
    "AB1002",
    "AB1003",
    "AB1004",
    "AB1005",
    "AB1006",
    "AB1007",
    "AB1008",
    "AB1009",
    "AB1010",
    "AB1011",
    "AB1012",
    "AB1013",
    "AB1014",
    "AB1015",
    "AB1016",
    "AB1017",
    "AB1018",
    "AB1031",
    "AB1032",
    "AB2000",
    "AB2001",
    "AB2002",
    "AB4008",
    "AB4018",
] + [f"AB9{n:03d}" for n in range(19)]


@pytest.mark.parametrize("data", [None, "", {}, [], {"a": 1}, [1]])
def test_the_data_of_a_success_may_be_anything(data: object) -> None:
    assert unwrap(200, json.dumps({**OK, "data": data}).encode()) == data


def test_missing_data_is_none_and_fractions_are_exact() -> None:
    assert unwrap(200, json.dumps(OK).encode()) is None
    assert unwrap(200, b'{"status": true, "data": 0.05}') == Decimal("0.05")


@pytest.mark.parametrize("no", [False, "false", "False", 0, "", "FAILURE"])
def test_a_status_that_is_written_as_text_still_says_no(no: object) -> None:
    body = {"status": no, "message": "no", "errorcode": "AB1013", "data": None}

    with pytest.raises(BrokerRefused, match="AB1013"):
        unwrap(200, json.dumps(body).encode())


@pytest.mark.parametrize("code", PUBLISHED)
def test_every_published_code_is_an_error_of_its_kind(code: str) -> None:
    assert CODES.keys() == set(PUBLISHED)
    for names in (("status", "errorcode"), ("success", "errorCode")):
        body = {names[0]: False, "message": "", names[1]: code, "data": ""}

        with pytest.raises(ERRORS[CODES[code].failure], match=code) as caught:
            unwrap(200, json.dumps(body).encode())

        assert type(caught.value) is ERRORS[CODES[code].failure]
        assert caught.value.detail == CODES[code].meaning


def test_one_code_of_a_wrong_password_is_told_by_its_message() -> None:
    body = {"status": False, "message": "Login Id or password is invalid", "errorcode": "AB1007"}

    with pytest.raises(BrokerLoginRefused):
        unwrap(200, json.dumps(body).encode())


def test_a_refusal_without_a_known_code_keeps_its_message() -> None:
    text = "Order price is beyond the Limit Price Protection range defined by the exchange"
    for code in ("", "AB7777"):
        body = {"status": False, "message": text, "errorcode": code}

        with pytest.raises(BrokerRefused, match="Limit Price Protection"):
            unwrap(200, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"Access denied because of exceeding access rate"),
        (403, b"Access denied because of exceeding rate limit"),
        (429, b"Too Many Requests"),
        (429, b'{"status": true, "data": {}}'),
    ],
)
def test_a_throttled_request_is_told_by_status_and_text(status: int, body: bytes) -> None:
    with pytest.raises(BrokerThrottled):
        unwrap(status, body)


def test_another_403_is_the_end_of_a_session() -> None:
    with pytest.raises(BrokerSessionEnded):
        unwrap(403, b"<html>Forbidden</html>")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b'{"status": tru'),
        (200, b"[]"),
        (200, b"null"),
        (200, b"7"),
        (200, b"{}"),
        (200, b"\xff\xfe"),
        (200, b"<html></html>"),
        (200, b"[" * 100_000),
        (500, b"Internal Server Error"),
        (502, b'{"status": true, "data": {}}'),
    ],
)
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(status: int, body: bytes) -> None:
    with pytest.raises(BrokerUnavailable):
        unwrap(status, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(["status", "success", "message", "errorcode", "errorCode", "data"])


@settings(max_examples=50)
@given(st.integers(100, 599), st.binary() | st.dictionaries(NAMES, JSON).map(json.dumps))
def test_no_answer_raises_anything_but_an_error_of_the_broker(
    status: int, body: bytes | str
) -> None:
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    outcome: object = None
    try:
        outcome = unwrap(status, raw)
    except BrokerError as error:
        outcome = error

    assert not isinstance(outcome, BrokerError) or str(outcome)
