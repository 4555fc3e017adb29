"""An error as an RFC 9457 problem, for HTTP clients and senders of messages alike.

A problem names each fault with the index of the order, the field, the value and the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from angel_x import errors
from angel_x.entrypoints.presentation.problem_types import (
    type_of_error,
    type_of_name,
    type_of_status,
)

if TYPE_CHECKING:
    from angel_x.domain.records.refusal import RefusalRecord


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
    #: Of the refusal of a message, its id.
    message_id: str | msgspec.UnsetType = msgspec.UNSET


#: The page of the API with a section for each type.
TYPES_PAGE = "/docs/problems"


def of_status(status: HTTPStatus, detail: str, faults: tuple[ProblemFault, ...] = ()) -> Problem:
    """Return a problem named by its HTTP status."""
    kind = type_of_status(status)
    return Problem(type=kind.urn, title=kind.title, status=status, detail=detail, errors=faults)


def of_error(error: errors.AngelXError) -> Problem:
    """Return the problem of an error of the tree."""
    kind = (
        type_of_name(error.name)
        if isinstance(error, errors.RefusedBefore)
        else type_of_error(type(error))
    )
    return Problem(
        type=kind.urn,
        title=kind.title,
        status=kind.status,
        detail=str(error),
        errors=_faults(error),
    )


def of_refusal(refusal: RefusalRecord) -> Problem:
    """Return the problem of a stored refusal.

    Its status is that of the answer, which is as good tomorrow: the call that asks for a refusal
    is not the one that may be sent again.
    """
    kind = type_of_name(refusal.title)
    return Problem(
        type=kind.urn,
        title=kind.title,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=refusal.detail,
        errors=_shown(refusal.errors),
        message_id=refusal.message_id or msgspec.UNSET,
    )


def link_to_type(problem: Problem) -> str:
    """Return the header ``Link`` of an answer, which leads to the section of its type."""
    return f'<{TYPES_PAGE}#{problem.type.rpartition(":")[2]}>; rel="describedby"'


def unexpected(request_id: str) -> Problem:
    """Return the problem of an unexpected failure, whose cause is in the log."""
    detail = f"the request failed; the log has the cause under request id {request_id}"
    return of_status(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _faults(error: errors.AngelXError) -> tuple[ProblemFault, ...]:
    if isinstance(error, errors.InvalidOrder | errors.RefusedBefore):
        return _shown(error.faults)
    if isinstance(error, errors.InvalidAmendment | errors.InvalidWatch):
        return tuple(ProblemFault(None, f.field, f.value, f.detail) for f in error.faults)
    named = _named(error)
    return () if named is None else (ProblemFault(None, *named),)


def _shown(faults: Iterable[errors.Fault]) -> tuple[ProblemFault, ...]:
    return tuple(ProblemFault(f.index, f.field, f.value, f.detail) for f in faults)


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
