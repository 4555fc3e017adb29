"""Orders that come in over the message broker, from clients that need not wait for an answer.

A second message with the same content stores nothing.  Since a sender may read no answer, a refusal
is kept for the account to ask for under the client order ids that the message named.  What comes in
faster than its account may send is refused as over HTTP, not put off: an order that is traded at
some later second is not what was asked for, and the sender may send it again, as another message.
The refusal of a message is final: a later delivery of it, which may find room, is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from angel_x.domain.records.refusal import RefusalRecord
from angel_x.errors import (
    AngelXError,
    InvalidOrder,
    RefusedBefore,
    SubmissionAbandoned,
)
from angel_x.services.intake.senders import Senders
from angel_x.services.intake.storable_text import is_storable
from angel_x.services.intake.submissions import Outcome, RawSubmission, Submissions

log = structlog.get_logger()

ACTOR = "message"
#: Redeliveries of a message that no outage explains.
MAX_ATTEMPTS = 10


class Refusals(Protocol):
    """Refusals of messages."""

    def put(self, user_id: int, client_order_ids: Sequence[str], refusal: RefusalRecord) -> None:
        """Keep a refusal for an account under each of the client order ids."""

    def of_message(self, user_id: int, message_id: str) -> RefusalRecord | None:
        """Return the refusal of a message of an account, None where it was not refused."""


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
        senders: Senders,
        refusals: Refusals,
        redeliveries: Redeliveries,
        is_outage: Callable[[Exception], bool],
    ) -> None:
        self._submissions = submissions
        self._senders = senders
        self._refusals = refusals
        self._redeliveries = redeliveries
        #: Returns whether an error is the outage of a server and not caused by the message.
        self._is_outage = is_outage

    def submit(
        self,
        message_id: str,
        request: Mapping[str, Any],
        user: str | None = None,
        signature: str | None = None,
    ) -> Outcome:
        """Accept a request for an account, or keep and return its refusal.

        A message that was refused before is refused again, with the same words.

        Raises:
            SignatureRefused: No valid key of the account has signed the request.
            InvalidInput: The account is not known, so no account could ask for the outcome.
        """
        user_id = self._senders.account_of(request, user, signature)
        if (former := self._former(user_id, message_id)) is not None:
            return RefusedBefore(former.title, former.detail, former.errors)
        (outcome,) = self._submissions.submit([RawSubmission(user_id, request, ACTOR)])
        if isinstance(outcome, AngelXError):
            self._refuse(message_id, user_id, request, outcome)
        return outcome

    def resubmit(
        self,
        message_id: str,
        request: Mapping[str, Any],
        user: str | None = None,
        signature: str | None = None,
    ) -> Outcome:
        """Accept a request whose message has come back, or give it up and keep the refusal.

        It comes back for ever while a server is away.  One that ran out of its time again and
        again, or ended its process, would hold up a worker for ever.
        """
        if self._redeliveries.begin(message_id) > MAX_ATTEMPTS:
            user_id = self._senders.account_of(request, user, signature)
            refusal = SubmissionAbandoned(MAX_ATTEMPTS)
            self._refuse(message_id, user_id, request, refusal)
            log.error("submission.abandoned", message_id=message_id, user_id=user_id)
            return refusal
        try:
            return self.submit(message_id, request, user, signature)
        except Exception as error:
            if self._is_outage(error):
                self._redeliveries.forgive(message_id)
            raise

    def _former(self, user_id: int, message_id: str) -> RefusalRecord | None:
        """Return the refusal of a former delivery; None also while the cache is away."""
        try:
            return self._refusals.of_message(user_id, message_id)
        except Exception as error:
            if not self._is_outage(error):
                raise
            log.warning("refusals.unread", message_id=message_id, error=str(error))
            return None

    def _refuse(
        self, message_id: str, user_id: int, request: Mapping[str, Any], error: AngelXError
    ) -> None:
        client_order_ids = sorted(_client_order_ids(request))
        log.warning("submission.refused", user_id=user_id, ids=client_order_ids, error=str(error))
        refusal = RefusalRecord(
            message_id=message_id,
            title=type(error).__name__,
            detail=str(error),
            errors=tuple(error.faults) if isinstance(error, InvalidOrder) else (),
        )
        self._refusals.put(user_id, client_order_ids, refusal)


def _client_order_ids(request: Mapping[str, Any]) -> set[str]:
    listed = request.get("orders", [request])
    orders = listed if isinstance(listed, list) else []
    named = (order.get("client_order_id") for order in orders if isinstance(order, dict))
    return {name for name in named if isinstance(name, str) and is_storable(name)}
