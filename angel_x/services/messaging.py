"""Orders that come in over the message broker, from clients that wait for no answer.

A second message with the same content stores nothing.  Since nobody reads an answer, a refusal is
kept for the account to ask for under the client order ids that the message named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog

from angel_x.errors import (
    AngelXError,
    Fault,
    InvalidInput,
    InvalidOrder,
    UnknownAccount,
)
from angel_x.services import order_form
from angel_x.services.acceptance import Acceptance, Accepted, Submission
from angel_x.services.backpressure import Backpressure

log = structlog.get_logger()

ACTOR = "message"


class Named(Protocol):
    """An account, as far as it matters here."""

    @property
    def id(self) -> int: ...


class AccountsByName(Protocol):
    def named(self, name: str) -> Named:
        """Return the account of that name."""


class Refusals(Protocol):
    """Where refusals are kept for a day."""

    def put(self, user_id: int, client_order_ids: Sequence[str], problem: object) -> None:
        """Keep a problem under each of those ids."""


class Messaging:
    """Accepts submissions from the message broker."""

    def __init__(
        self,
        *,
        acceptance: Acceptance,
        backpressure: Backpressure,
        accounts: AccountsByName,
        refusals: Refusals,
        default_user: str | None,
    ) -> None:
        self._acceptance = acceptance
        self._backpressure = backpressure
        self._accounts = accounts
        self._refusals = refusals
        self._default_user = default_user

    def submit(self, request: Mapping[str, Any], user: str | None = None) -> tuple[Accepted, ...]:
        """Accept a request for an account, or keep why not; return what was accepted.

        Raises:
            InvalidInput: The account is not known, so nobody could ask for the outcome.
        """
        account = self._account(user)
        outcome: tuple[Accepted, ...] | AngelXError
        try:
            requests = order_form.read(dict(request))
            outcome = self._accept(Submission(account.id, requests, ACTOR))
        except AngelXError as error:
            outcome = error
        if isinstance(outcome, AngelXError):
            self._refuse(account.id, request, outcome)
            return ()
        return outcome

    def _accept(self, submission: Submission) -> tuple[Accepted, ...] | AngelXError:
        try:
            self._acceptance.check(submission)
            self._backpressure.admit(submission.requests)
        except AngelXError as error:
            return self._acceptance.refuse(submission, error)
        (outcome,) = self._acceptance.accept([submission])
        return outcome

    def _account(self, user: str | None) -> Named:
        name = user or self._default_user
        if name is None:
            raise InvalidInput("user is required, was none")
        try:
            return self._accounts.named(name)
        except UnknownAccount as error:
            raise InvalidInput(str(error)) from error

    def _refuse(self, user_id: int, request: Mapping[str, Any], error: AngelXError) -> None:
        client_order_ids = sorted(_client_order_ids(request))
        log.warning("submission.refused", user_id=user_id, ids=client_order_ids, error=str(error))
        faults = error.faults if isinstance(error, InvalidOrder) else ()
        problem = {
            "title": type(error).__name__,
            "detail": str(error),
            "errors": [_fault(fault) for fault in faults],
        }
        self._refusals.put(user_id, client_order_ids, problem)


def _client_order_ids(request: Mapping[str, Any]) -> set[str]:
    listed = request.get("orders", [request])
    orders = listed if isinstance(listed, list) else []
    named = (order.get("client_order_id") for order in orders if isinstance(order, dict))
    return {name for name in named if isinstance(name, str)}


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "index": fault.index,
        "field": fault.field,
        "value": fault.value,
        "detail": fault.detail,
    }
