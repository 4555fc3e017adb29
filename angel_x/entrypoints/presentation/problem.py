"""An error as an RFC 9457 problem, for HTTP clients and senders of messages alike.

A problem names each fault with the index of the order, the field, the value and the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from angel_x import errors


class ProblemFault(msgspec.Struct, frozen=True):
    """One fault of a request; ``index`` is the position of the order, null outside of orders."""

    index: int | None
    field: str
    value: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The reason of a failed request."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[ProblemFault, ...] = ()


#: The status of each error of the tree; the nearest base class counts.
STATUS: Mapping[type[errors.AngelXError], HTTPStatus] = {
    errors.InvalidInput: HTTPStatus.BAD_REQUEST,
    errors.SignatureRefused: HTTPStatus.UNAUTHORIZED,
    errors.InvalidOrder: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidAmendment: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidWatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSymbol: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.OrderNotFound: HTTPStatus.NOT_FOUND,
    errors.WorkflowNotFound: HTTPStatus.NOT_FOUND,
    errors.UnknownOrder: HTTPStatus.NOT_FOUND,
    errors.ReplayRefused: HTTPStatus.CONFLICT,
    errors.OrderAlreadyClosed: HTTPStatus.CONFLICT,
    errors.OrderOnItsWay: HTTPStatus.CONFLICT,
    errors.AmendmentRefused: HTTPStatus.CONFLICT,
    errors.AccessDenied: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    errors.OrderRateExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.AccountBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BadKeysExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnknownAccount: HTTPStatus.NOT_FOUND,
    errors.UnknownContract: HTTPStatus.NOT_FOUND,
    errors.UnknownTarget: HTTPStatus.NOT_FOUND,
    errors.UnknownDay: HTTPStatus.NOT_FOUND,
    errors.SettlementRefused: HTTPStatus.CONFLICT,
    errors.SubmissionAbandoned: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.AngelXError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def of_status(status: HTTPStatus, detail: str, faults: tuple[ProblemFault, ...] = ()) -> Problem:
    """Return a problem named by its HTTP status."""
    name = status.phrase.lower().replace(" ", "-")
    return Problem(
        type=f"urn:angel-x:{name}",
        title=status.phrase,
        status=status,
        detail=detail,
        errors=faults,
    )


def of_error(error: errors.AngelXError) -> Problem:
    """Return the problem of an error of the tree."""
    kind = next(base for base in type(error).__mro__ if base in STATUS)
    words = _words(kind.__name__)
    return Problem(
        type=f"urn:angel-x:{words.replace(' ', '-')}",
        title=words.capitalize(),
        status=STATUS[kind],
        detail=str(error),
        errors=_faults(error),
    )


def unexpected(request_id: str) -> Problem:
    """Return the problem of an unexpected failure, whose cause is in the log."""
    detail = f"the request failed; the log has the cause under request id {request_id}"
    return of_status(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _faults(error: errors.AngelXError) -> tuple[ProblemFault, ...]:
    if isinstance(error, errors.InvalidOrder):
        return tuple(ProblemFault(f.index, f.field, f.value, f.detail) for f in error.faults)
    if isinstance(error, errors.InvalidAmendment | errors.InvalidWatch):
        return tuple(ProblemFault(None, f.field, f.value, f.detail) for f in error.faults)
    named = _named(error)
    return () if named is None else (ProblemFault(None, *named),)


def _named(error: errors.AngelXError) -> tuple[str, str, str] | None:
    """Return field, value and detail of an error about one field, None of any other."""
    found: tuple[str, str, str] | None = None
    match error:
        case errors.InvalidInput() if error.field:
            found = error.field, error.value, str(error)
        case errors.IdempotencyConflict():
            found = error.field, error.client_order_id, "stands for other content"
        case errors.OrderAlreadyClosed():
            found = "order_id", str(error.order_id), f"is {error.status}"
        case errors.OrderOnItsWay():
            found = "order_id", str(error.order_id), "is on its way to the venue"
        case errors.AmendmentRefused():
            found = "reason", error.reason, "is why the order is as it was"
        case _:
            found = _missing(error)
    return found


def _missing(error: errors.AngelXError) -> tuple[str, str, str] | None:
    """Return field, value and detail of an error about an unknown name, None of any other."""
    found: tuple[str, str, str] | None = None
    match error:
        case errors.OrderNotFound():
            found = "order_id", error.order_id, "is no order of this account"
        case errors.WorkflowNotFound():
            found = "id", error.workflow_id, f"is no {error.kind}"
        case errors.UnknownContract():
            found = error.kind, error.name, "must be listed"
        case errors.UnknownAccount() if error.name:
            found = "user", error.name, "is no account"
    return found


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
