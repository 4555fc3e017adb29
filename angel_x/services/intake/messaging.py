"""Orders that come in over the message broker, from clients that need not wait for an answer.

A second message with the same content stores nothing.  Since a sender may read no answer, a refusal
is kept for the account to ask for under the client order ids that the message named.  What comes in
faster than its account may send is refused as over HTTP, not put off: an order that is traded at
some later second is not what was asked for, and the sender may send it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from angel_x.errors import (
    AngelXError,
    Fault,
    InvalidInput,
    InvalidOrder,
    SubmissionAbandoned,
    UnknownAccount,
)
from angel_x.services.intake.storable_text import check_text, is_storable
from angel_x.services.intake.submissions import Outcome, RawSubmission, Submissions

log = structlog.get_logger()

ACTOR = "message"
#: Redeliveries of a message that no outage explains.
MAX_ATTEMPTS = 10


class Named(Protocol):
    """An account with its id."""

    @property
    def id(self) -> int: ...


class AccountsByName(Protocol):
    def named(self, name: str) -> Named:
        """Return the account of that name."""


class Refusals(Protocol):
    """The store of refusals, which keeps them for a day."""

    def put(self, user_id: int, client_order_ids: Sequence[str], problem: object) -> None:
        """Keep a problem under each of those ids."""


class Redeliveries(Protocol):
    """Counts of redeliveries by message."""

    def begin(self, message_id: str) -> int:
        """Count an attempt before it is made, and return how many there were with it."""

    def forgive(self, message_id: str) -> None:
        """Take an attempt back that failed through no fault of the message."""


class Messaging:
    """Accepts submissions from the message broker."""

    def __init__(
        self,
        *,
        submissions: Submissions,
        accounts: AccountsByName,
        refusals: Refusals,
        redeliveries: Redeliveries,
        is_outage: Callable[[Exception], bool],
        default_user: str | None,
    ) -> None:
        self._submissions = submissions
        self._accounts = accounts
        self._refusals = refusals
        self._redeliveries = redeliveries
        #: Returns whether an error is the outage of a server and not caused by the message.
        self._is_outage = is_outage
        self._default_user = default_user

    def submit(self, request: Mapping[str, Any], user: str | None = None) -> Outcome:
        """Accept a request for an account, or keep and return its refusal.

        Raises:
            InvalidInput: The account is not known, so no account could ask for the outcome.
        """
        account = self._account(user)
        (outcome,) = self._submissions.submit([RawSubmission(account.id, request, ACTOR)])
        if isinstance(outcome, AngelXError):
            self._refuse(account.id, request, outcome)
        return outcome

    def resubmit(
        self, message_id: str, request: Mapping[str, Any], user: str | None = None
    ) -> Outcome:
        """Accept a request whose message has come back, or give it up and keep the refusal.

        It comes back for ever while a server is away.  One that ran out of its time again and
        again, or ended its process, would hold up a worker for ever.
        """
        if self._redeliveries.begin(message_id) > MAX_ATTEMPTS:
            account, refusal = self._account(user), SubmissionAbandoned(MAX_ATTEMPTS)
            self._refuse(account.id, request, refusal)
            log.error("submission.abandoned", message_id=message_id, user_id=account.id)
            return refusal
        try:
            return self.submit(request, user)
        except Exception as error:
            if self._is_outage(error):
                self._redeliveries.forgive(message_id)
            raise

    def _account(self, user: str | None) -> Named:
        name = self._default_user if user is None else user
        if name is None:
            raise InvalidInput("user is required, was none")
        check_text("user", name)
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
    return {name for name in named if isinstance(name, str) and is_storable(name)}


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "index": fault.index,
        "field": fault.field,
        "value": fault.value,
        "detail": fault.detail,
    }
