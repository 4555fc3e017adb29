"""Types of problems by name and status: programs of callers tell errors apart by them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus

import pytest

from angel_x import errors
from angel_x.domain.records.refusal import RefusalRecord
from angel_x.entrypoints.api import problem_page
from angel_x.entrypoints.presentation.problem import (
    link_to_type,
    of_error,
    of_refusal,
    of_status,
)
from angel_x.entrypoints.presentation.problem_types import (
    PROBLEM_TYPES,
    type_of_error,
    type_of_name,
    type_of_status,
)

TYPES = """
    401 access-denied
    503 account-busy
    409 amendment-refused
    500 angel-x-error
    429 bad-keys-exceeded
    400 bad-request
    409 idempotency-conflict
    500 internal-server-error
    422 invalid-amendment
    400 invalid-input
    422 invalid-order
    422 invalid-symbol
    422 invalid-watch
    405 method-not-allowed
    404 not-found
    409 order-already-closed
    404 order-not-found
    409 order-on-its-way
    429 order-rate-exceeded
    429 queue-full
    409 replay-refused
    413 request-entity-too-large
    431 request-header-fields-too-large
    408 request-timeout
    414 request-uri-too-long
    403 scope-missing
    503 server-unavailable
    503 service-unavailable
    409 settlement-refused
    401 signature-refused
    503 submission-abandoned
    404 unknown-account
    404 unknown-contract
    404 unknown-day
    404 unknown-order
    404 unknown-target
    422 unprocessable-entity
    404 workflow-not-found
"""
#: Errors of commands, workers and clients, which are never the answer to a request.
ELSEWHERE = {
    errors.ApiError,
    errors.BackupFailed,
    errors.BenchmarksMissing,
    errors.BooksDiffer,
    errors.BotUnanswered,
    errors.BrokerError,
    errors.IllegalTransition,
    errors.MigrationRefused,
    errors.NoReview,
    errors.NoticeNotSent,
    errors.PricingBackendMissing,
    errors.ProfilerMissing,
    # It has the type of the error before it.
    errors.RefusedBefore,
    errors.ShadowedPackage,
    errors.StatisticsMissing,
    errors.StillOpen,
    errors.TryLater,
}


def test_every_type_has_its_name_and_status() -> None:
    expected = [line.split() for line in TYPES.strip().splitlines()]

    assert [[f"{kind.status:d}", kind.name] for kind in PROBLEM_TYPES] == expected


def test_an_error_has_a_type_of_its_own_or_is_no_answer_to_a_request() -> None:
    untyped = {
        kind
        for kind in errors.AngelXError.__subclasses__()
        if kind.__module__ == errors.__name__
        and type_of_error(kind) is type_of_error(errors.AngelXError)
    }

    assert untyped == ELSEWHERE
    assert {type_of_error(kind) for kind in errors.TryLater.__subclasses__()} == {
        type_of_error(errors.QueueFull),
        type_of_error(errors.OrderRateExceeded),
        type_of_error(errors.AccountBusy),
        type_of_error(errors.BadKeysExceeded),
    }


@pytest.mark.parametrize(
    "kind", [errors.InvalidOrder, errors.QueueFull, errors.SubmissionAbandoned, errors.KeyExpired]
)
def test_the_name_of_an_error_has_the_type_of_the_error(kind: type[errors.AngelXError]) -> None:
    assert type_of_name(kind.__name__) is type_of_error(kind)


@pytest.mark.parametrize("name", ["", "NoSuchError", "Fault", "datetime", "__doc__"])
def test_the_name_of_no_error_is_of_the_general_type(name: str) -> None:
    assert type_of_name(name) is type_of_status(HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_stored_refusal_has_its_own_type_and_the_status_of_its_answer() -> None:
    refusal = RefusalRecord(message_id="m1", title="QueueFull", detail="9 orders wait")

    problem = of_refusal(refusal)

    assert (problem.type, problem.title) == ("urn:angel-x:queue-full", "Queue full")
    assert (problem.status, problem.message_id) == (HTTPStatus.UNPROCESSABLE_ENTITY, "m1")
    assert link_to_type(problem) == '</docs/problems#queue-full>; rel="describedby"'


def test_a_message_that_is_refused_again_has_the_problem_of_its_first_refusal() -> None:
    fault = errors.Fault(0, "quantity", "66", "must be a multiple of the lot size 65")
    first = errors.InvalidOrder((fault,))

    again = of_error(errors.RefusedBefore("InvalidOrder", str(first), (fault,)))

    assert again == of_error(first)


@pytest.mark.parametrize("status", [status for status in HTTPStatus if status >= 400])
def test_every_status_of_an_error_has_a_type_of_its_class(status: HTTPStatus) -> None:
    problem = of_status(status, "x")

    assert problem.status == status
    assert problem.type in {kind.urn for kind in PROBLEM_TYPES}
    assert type_of_status(status).status // 100 == status // 100


def test_the_page_has_one_section_for_each_type() -> None:
    page = problem_page.page()

    assert re.findall(r'<h2 id="([^"]+)">', page) == [kind.name for kind in PROBLEM_TYPES]
    for kind in PROBLEM_TYPES:
        assert page.count(f"<code>{kind.urn}</code>") == 1
        assert kind.meaning.endswith(".")
        assert kind.remedy.endswith(".")
    assert "<code>X-Request-ID</code>" in page
    assert "Bearer &lt;key&gt;" in page


def test_the_link_of_a_problem_leads_to_the_section_of_its_type() -> None:
    assert link_to_type(of_error(errors.KeyExpired(datetime(2026, 11, 26, tzinfo=UTC)))) == (
        '</docs/problems#access-denied>; rel="describedby"'
    )
    assert link_to_type(of_status(HTTPStatus.REQUEST_URI_TOO_LONG, "x")) == (
        '</docs/problems#request-uri-too-long>; rel="describedby"'
    )
