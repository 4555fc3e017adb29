"""Every type of problem: its URN, its status, its meaning and what a caller does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from angel_x import errors

_AGAIN = "Send the same request again after the seconds of `Retry-After`."


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One type of problem."""

    title: str
    status: HTTPStatus
    meaning: str
    remedy: str

    @property
    def name(self) -> str:
        return self.title.lower().replace(" ", "-")

    @property
    def urn(self) -> str:
        return f"urn:angel-x:{self.name}"


#: Status and remedy of each error of the tree; the nearest base class counts.
_ERRORS: Mapping[type[errors.AngelXError], tuple[HTTPStatus, str]] = {
    errors.InvalidInput: (HTTPStatus.BAD_REQUEST, "Correct the request as `detail` says."),
    errors.SignatureRefused: (
        HTTPStatus.UNAUTHORIZED,
        "Sign the message with a valid key of its account.",
    ),
    errors.InvalidOrder: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Correct what `errors` names by index, field and value; nothing of the request was stored.",
    ),
    errors.InvalidAmendment: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Correct the fields in `errors`.",
    ),
    errors.InvalidWatch: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Watch listed contracts only, and at most 250; `errors` names the others.",
    ),
    errors.InvalidSymbol: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Take the symbol from `GET /v1/option-chain/{underlying}`.",
    ),
    errors.IdempotencyConflict: (
        HTTPStatus.CONFLICT,
        "Give the other content a client order id of its own; the stored order is unchanged.",
    ),
    errors.OrderNotFound: (
        HTTPStatus.NOT_FOUND,
        "Look for the order in `GET /v1/orders`, with a key of its account.",
    ),
    errors.WorkflowNotFound: (
        HTTPStatus.NOT_FOUND,
        "Use the id of the answer to its submission, with a key of its account.",
    ),
    errors.UnknownOrder: (
        HTTPStatus.NOT_FOUND,
        "Look for the order in `GET /v1/parked-orders`.",
    ),
    errors.ReplayRefused: (
        HTTPStatus.CONFLICT,
        "Nothing: only a parked order that was not replayed can be.",
    ),
    errors.OrderAlreadyClosed: (HTTPStatus.CONFLICT, "Nothing: read the order for its outcome."),
    errors.OrderOnItsWay: (HTTPStatus.CONFLICT, "Send the request again once the venue answered."),
    errors.AmendmentRefused: (
        HTTPStatus.CONFLICT,
        "`errors` has the reason, one of those of denied orders.",
    ),
    errors.AccessDenied: (
        HTTPStatus.UNAUTHORIZED,
        "Send a valid key as `Authorization: Bearer <key>`; `angel-x keys create` makes one.",
    ),
    errors.ScopeMissing: (HTTPStatus.FORBIDDEN, "Use a key with the scope that `detail` names."),
    errors.QueueFull: (HTTPStatus.TOO_MANY_REQUESTS, _AGAIN),
    errors.OrderRateExceeded: (HTTPStatus.TOO_MANY_REQUESTS, _AGAIN),
    errors.AccountBusy: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{_AGAIN} Nothing of what waited was stored.",
    ),
    errors.BadKeysExceeded: (
        HTTPStatus.TOO_MANY_REQUESTS,
        "Stop sending keys that are not valid. A key that was valid lately is not concerned.",
    ),
    errors.UnknownAccount: (HTTPStatus.NOT_FOUND, "Use a name of `angel-x users`."),
    errors.UnknownContract: (
        HTTPStatus.NOT_FOUND,
        "Take the name from `GET /v1/option-chain/{underlying}`.",
    ),
    errors.UnknownTarget: (HTTPStatus.NOT_FOUND, "Use a name of `GET /v1/alerts/targets`."),
    errors.UnknownDay: (HTTPStatus.NOT_FOUND, "Ask for a day from 2024 on."),
    errors.SettlementRefused: (
        HTTPStatus.CONFLICT,
        "Nothing: the price of a settled expiry is final.",
    ),
    errors.SubmissionAbandoned: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Send the orders again under the same client order ids.",
    ),
    errors.ServerUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Try again once it is back."),
    errors.AngelXError: (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Report the `X-Request-ID` of the answer to the operators.",
    ),
}
#: Title, meaning and remedy of the problems that are named by their status.  The titles are ours:
#: phrases of the standard library change with its version.
_STATUSES: Mapping[HTTPStatus, tuple[str, str, str]] = {
    HTTPStatus.BAD_REQUEST: (
        "Bad Request",
        "The request cannot be read as one of HTTP.",
        "Correct the client or the proxy between.",
    ),
    HTTPStatus.NOT_FOUND: (
        "Not Found",
        "The API has no such path.",
        "Use a path of `/openapi.json`.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "Method Not Allowed",
        "The path does not have this method.",
        "Use one of the header `Allow`.",
    ),
    HTTPStatus.REQUEST_TIMEOUT: (
        "Request Timeout",
        "The headers or the body did not arrive in time, and nothing of them was used.",
        "Send the whole request at once.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "Request Entity Too Large",
        "The body is larger than the API takes.",
        "Send the orders in several requests.",
    ),
    HTTPStatus.REQUEST_URI_TOO_LONG: (
        "Request-URI Too Long",
        "The request target is longer than 8 KB.",
        "Shorten the parameters.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "Unprocessable Entity",
        "A parameter is unknown or has a value that it cannot have.",
        "Correct what `errors` and `detail` name.",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "Request Header Fields Too Large",
        "A header line is longer than 8 KB, or all of them than 32 KB.",
        "Send fewer or shorter headers.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Internal Server Error",
        "The request failed for a reason that is in the log; whether anything was stored is unknown.",
        "Report the request id in `detail` to the operators. Orders may be sent again under the same "
        "client order ids.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "Service Unavailable",
        "A server behind the API did not answer, or there was no outcome in time; whether anything was "
        "stored is unknown. It is also the answer to more connections than the API takes.",
        f"{_AGAIN} Keep the client order ids.",
    ),
}


def _of_errors() -> dict[type[errors.AngelXError], ProblemType]:
    return {
        kind: ProblemType(
            _words(kind.__name__).capitalize(), status, (kind.__doc__ or "").split("\n")[0], remedy
        )
        for kind, (status, remedy) in _ERRORS.items()
    }


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


_OF_ERRORS = _of_errors()
_OF_STATUSES = {
    status: ProblemType(title, status, meaning, remedy)
    for status, (title, meaning, remedy) in _STATUSES.items()
}
#: Every type, by name.
PROBLEM_TYPES = tuple(
    sorted((*_OF_ERRORS.values(), *_OF_STATUSES.values()), key=lambda each: each.name)
)


def type_of_error(error: type[errors.AngelXError]) -> ProblemType:
    """Return the type of an error of the tree: its own, or that of its nearest base class."""
    return next(_OF_ERRORS[base] for base in error.__mro__ if base in _OF_ERRORS)


def type_of_name(name: str) -> ProblemType:
    """Return the type of an error by the name of its class, as refusals are stored.

    A name that this version does not have is of the general type of invalid requests.
    """
    kind = vars(errors).get(name)
    if isinstance(kind, type) and issubclass(kind, errors.AngelXError):
        return type_of_error(kind)
    return _OF_STATUSES[HTTPStatus.UNPROCESSABLE_ENTITY]


def type_of_status(status: HTTPStatus) -> ProblemType:
    """Return the type of a status: its own, or the general one of its class."""
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    general = HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.BAD_REQUEST
    return _OF_STATUSES.get(status, _OF_STATUSES[general])
