"""All errors that Angel-X raises on purpose, in one tree.

```
AngelXError
├── InvalidInput            the request of the caller is invalid
│   ├── SignatureRefused    a message whose signature is missing or not valid
│   ├── InvalidOrder        with the index, field and value of each fault
│   ├── InvalidAmendment    with the field and value of each fault
│   ├── InvalidWatch        with the value of each fault
│   ├── InvalidSymbol
│   ├── InvalidChainFile    with file, row and column
│   ├── InvalidScripMaster  with file, row and field
│   ├── InvalidSettlementFile  with file, row and column
│   ├── InvalidOpenings     with file, row, field and value
│   ├── FormatUnavailable   a format whose library is not installed
│   ├── AlertsOff           no key or library for alerts; with the remedy
│   ├── InvalidRiskFile     with file, row and element
│   └── InvalidCursor
├── IdempotencyConflict     same client order id, other content
├── SubmissionAbandoned     a message that was redelivered too often
├── RefusedBefore           a message whose former delivery was refused, with the error of that
├── OrderNotFound
├── WorkflowNotFound        no basket or square-off of this account
├── StillOpen               a square-off that has not made its account flat
├── UnknownOrder            no order of any account has this id
├── ReplayRefused           an order that must not be sent again
├── OrderAlreadyClosed
├── OrderOnItsWay           the venue has not answered yet
├── AmendmentRefused        with the reason; the order is as it was
├── AccessDenied            no key, or a wrong or revoked one
│   ├── KeyExpired          with the time
│   └── ScopeMissing        the key is valid, but lacks the scope
├── TryLater                with the seconds until the next attempt
│   ├── QueueFull
│   ├── OrderRateExceeded
│   ├── AccountBusy         other work of the account is in the way
│   └── BadKeysExceeded     too many keys that are not valid
├── BooksDiffer             stored accounts that differ from the fold of their history
├── SettlementRefused       another price than the one at which an expiry is settled
├── UnknownAccount
├── UnknownDay              no calendar covers the day
├── UnknownContract         no listed contract, underlying or expiry of that name
├── IllegalTransition       a move that is not in the transition table
├── PricingBackendMissing   the configured pricing library cannot be imported
├── BenchmarksMissing       the benchmarks, which are part of the repository only
├── ServerUnavailable       a server that could not be found or started
│   └── UnusableFile        a file that stops the start, with the remedy
├── MigrationRefused        a migration that would lose data, or did not get its locks
├── StatisticsMissing       the database counts no statements; with the remedy
├── NoReview                no review of this kind was written yet
├── ProfilerMissing         a profiler that is not installed or may not look; with the remedy
├── BackupFailed            a backup that could not be taken, verified or restored
├── UnknownTarget           no target of alerts of this name
├── NoticeNotSent           a service refused a notice, or gave no answer
├── BotUnanswered           Telegram refused a request of the bot, or gave no answer
├── ShadowedPackage         a module of another project that shadows a package of Angel-X
├── BrokerError             a request to the trading broker was refused, or got no answer; with its code
│   ├── BrokerRefused       for a reason of the broker; the request had no effect
│   ├── BrokerLoginRefused  wrong credentials, or a client that may not log in
│   ├── BrokerSessionEnded  a token that is missing, invalid or expired
│   ├── BrokerThrottled     more requests than the broker allows; the request had no effect
│   ├── BudgetSpent         likewise by our own count, so the request was not sent
│   └── BrokerUnavailable   no answer, or none that can be read: the outcome is unknown
└── ApiError                an error of the client library, with the problem of the API
    ├── InvalidRequest      with the index, field and value of each fault
    ├── Unauthorized        no key, a wrong or revoked one, or one without the scope
    ├── NotFound
    ├── Conflict            an order of other content, or one that is closed already
    ├── Overloaded          with the seconds until the next attempt
    └── Unavailable         no answer, or none with a known outcome
```
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class AngelXError(Exception):
    """The root of the tree; as a problem, an error that has no type of its own."""


class InvalidInput(AngelXError):
    """The request of the caller is invalid."""

    def __init__(self, detail: str, *, field: str = "", value: str = "") -> None:
        super().__init__(detail)
        #: The invalid field, empty where the whole request is invalid.
        self.field = field
        #: The offending value as the caller wrote it, cut to a readable length.
        self.value = value


class SignatureRefused(InvalidInput):
    """A message is not signed by a valid key of its account."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one field of one order of a request."""

    #: Position of the order in the request, from zero.
    index: int
    field: str
    #: The offending value as the caller wrote it, cut to a readable length.
    value: str
    detail: str


class InvalidOrder(InvalidInput):
    """At least one order of a request is invalid, so none is accepted."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"orders[{f.index}].{f.field} {f.detail}" for f in faults))
        self.faults = faults


class InvalidAmendment(InvalidInput):
    """An amendment is invalid; the order is unchanged."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{f.field} {f.detail}" for f in faults))
        #: Their index has no meaning: there is one order.
        self.faults = faults


class InvalidWatch(InvalidInput):
    """A list of contracts to watch is invalid; the stream is not opened."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{f.field} {f.detail}, was {f.value}" for f in faults))
        #: Their index has no meaning.
        self.faults = faults


class InvalidSymbol(InvalidInput):
    """A symbol is of neither form: UNDERLYING_DDMMMYY_STRIKE(CE|PE), UNDERLYING_DDMMMYY_FUT."""


class InvalidChainFile(InvalidInput):
    """A chain file cannot be loaded."""

    def __init__(self, file: str, row: int, column: str, detail: str) -> None:
        super().__init__(f"{file}, row {row}, column {column}: {detail}")
        self.file = file
        self.row = row
        self.column = column
        self.detail = detail


class InvalidSettlementFile(InvalidInput):
    """A file of final settlement prices cannot be loaded."""

    def __init__(self, file: str, row: int, column: str, detail: str) -> None:
        super().__init__(f"{file}, row {row}, column {column}: {detail}", field=column)


class InvalidOpenings(InvalidInput):
    """A file of opening positions and cash cannot be imported; nothing of it is."""

    def __init__(self, file: str, row: int, field: str, detail: str, value: str) -> None:
        super().__init__(
            f"{file}, row {row}, {field}: {detail}, was {value}", field=field, value=value
        )
        self.file = file
        self.row = row


class FormatUnavailable(InvalidInput):
    """A file format needs a library that is not installed."""

    def __init__(self, form: str) -> None:
        super().__init__(
            f"the format {form} needs pyarrow: install angel-x[arrow]", field="format", value=form
        )


class AlertsOff(InvalidInput):
    """Alerts have no key or no library; the message is the remedy."""


class InvalidRiskFile(InvalidInput):
    """A SPAN risk parameter file cannot be loaded."""

    def __init__(self, file: str, row: int, element: str, detail: str) -> None:
        super().__init__(f"{file}, row {row}, element {element}: {detail}", field=element)


class InvalidScripMaster(InvalidInput):
    """A broker's list of instruments cannot be loaded."""

    def __init__(self, file: str, row: int, field: str, detail: str) -> None:
        super().__init__(f"{file}, row {row}, field {field}: {detail}", field=field)
        self.file = file
        self.row = row
        self.detail = detail


class InvalidCursor(InvalidInput):
    """A page cursor was not made by this system."""


class IdempotencyConflict(AngelXError):
    """An order of other content has this client order id."""

    def __init__(self, client_order_id: str, field: str = "client_order_id") -> None:
        thing = "an order" if field == "client_order_id" else "a request"
        super().__init__(f"{thing} of other content has this {field}: {client_order_id}")
        self.client_order_id = client_order_id
        self.field = field


class SubmissionAbandoned(AngelXError):
    """A submission was redelivered too often; its orders were not accepted."""

    def __init__(self, attempts: int) -> None:
        super().__init__(f"no attempt to accept the message came to an end, there were {attempts}")


class RefusedBefore(AngelXError):
    """A former delivery of the message was refused, and so is this one, with the same words."""

    def __init__(self, name: str, detail: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(detail)
        #: The name of the error of the former delivery.
        self.name = name
        self.faults = faults


class OrderNotFound(AngelXError):
    """No order of this account has this id."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"no order of this account has the id {order_id}")
        self.order_id = order_id


class UnknownOrder(AngelXError):
    """No order of any account has this id."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"no order has the id {order_id}")
        self.order_id = order_id


class ReplayRefused(AngelXError):
    """The order must not be replayed."""

    def __init__(self, order_id: int, reason: str) -> None:
        super().__init__(f"order {order_id} cannot be replayed: {reason}")
        self.order_id = order_id


class WorkflowNotFound(AngelXError):
    """The account has no basket or square-off of this id."""

    def __init__(self, kind: str, workflow_id: str) -> None:
        super().__init__(f"no {kind} of this account has the id {workflow_id}")
        self.kind = kind
        self.workflow_id = workflow_id


class StillOpen(AngelXError):
    """A square-off has not made its account flat (yet)."""

    def __init__(self, workflow_id: str, status: str) -> None:
        super().__init__(f"square-off {workflow_id} is {status} and the account is not flat")


class OrderAlreadyClosed(AngelXError):
    """The order is closed and cannot be canceled or amended any more."""

    def __init__(self, order_id: int, status: str) -> None:
        super().__init__(f"order {order_id} is closed, its status is {status}")
        self.order_id = order_id
        self.status = status


class OrderOnItsWay(AngelXError):
    """The order was sent to the venue, whose answer is outstanding."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"the venue has not answered yet, so try again: order {order_id}")
        self.order_id = order_id


class AmendmentRefused(AngelXError):
    """An amendment is refused by the rules of new orders; the order is unchanged."""

    def __init__(self, order_id: int, reason: str) -> None:
        super().__init__(f"order {order_id} stays as it was, its amendment is refused: {reason}")
        self.order_id = order_id
        self.reason = reason


class AccessDenied(AngelXError):
    """The request has no key, or an invalid or revoked one."""


class KeyExpired(AccessDenied):
    """The key was valid until it expired."""

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(f"this key expired at {expired_at.isoformat(timespec='seconds')}")


class ScopeMissing(AccessDenied):
    """The key is valid and lacks the scope of this call."""


class TryLater(AngelXError):
    """The same call may succeed later."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        #: Seconds until the next attempt.
        self.retry_after = retry_after


class QueueFull(TryLater):
    """More orders than MAX_QUEUE_SIZE wait for a decision."""

    def __init__(self, waiting: int, limit: int, retry_after: int = 1) -> None:
        super().__init__(f"{waiting} orders wait to be decided, the limit is {limit}", retry_after)
        self.waiting = waiting
        self.limit = limit


class OrderRateExceeded(TryLater):
    """The orders within a second exceed the limit of the account or of all accounts together."""

    def __init__(self, limit: int, retry_after: int = 1) -> None:
        super().__init__(f"at most {limit} orders a second are let in", retry_after)
        self.limit = limit


class AccountBusy(TryLater):
    """Other work of the account holds the lock or the threads that a request waited for."""


class BadKeysExceeded(TryLater):
    """An address, or the prefix of a key, has sent too many keys that are not valid."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(
            "too many keys that are not valid came from this address or for this key", retry_after
        )


class BooksDiffer(AngelXError):
    """Stored accounts differ from the fold of their history."""


class SettlementRefused(AngelXError):
    """Another price than the one at which an expiry is settled already."""


class UnknownAccount(AngelXError):
    """No account has this name or id."""

    def __init__(self, detail: str, *, name: str = "") -> None:
        super().__init__(detail)
        #: The name in the request, empty where it was an id.
        self.name = name


class UnknownDay(AngelXError):
    """A day before the first published list of holidays."""


class UnknownContract(AngelXError):
    """No listed contract, underlying or expiry has this name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} must be listed, was {name}")
        self.kind = kind
        self.name = name


class IllegalTransition(AngelXError):
    """A status change of an order is not in the transition table."""


class PricingBackendMissing(AngelXError):
    """The configured pricing library cannot be imported."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"pricing backend must be importable, was {name}: {reason}")
        self.name = name


class ServerUnavailable(AngelXError):
    """A required server could not be found or started."""


class BenchmarksMissing(AngelXError):
    """The benchmarks, which are part of the repository only."""


class UnusableFile(ServerUnavailable):
    """A file of the home cannot be read or written."""

    def __init__(self, file: str, reason: str, remedy: str) -> None:
        super().__init__(f"{file} cannot be used ({reason}): {remedy}")
        self.file = file
        self.remedy = remedy


class MigrationRefused(AngelXError):
    """A migration would lose data that was not named, or did not get its locks."""


class StatisticsMissing(AngelXError):
    """The database counts no statements; the message is the remedy."""


class NoReview(AngelXError):
    """No review of this kind was written yet."""


class ProfilerMissing(AngelXError):
    """A profiler is not installed, or may not look at a process; the message is the remedy."""


class BackupFailed(AngelXError):
    """A backup could not be taken, verified or restored; the database is as it was."""


class UnknownTarget(AngelXError):
    """No target of alerts of this account, or of the operators, has this name."""


class NoticeNotSent(AngelXError):
    """A service refused a notice, or gave no answer; the message holds no address."""


class BotUnanswered(AngelXError):
    """Telegram refused a request of the bot, or gave no answer; the message has no token."""

    def __init__(
        self, detail: str, *, retry_after: float | None = None, is_final: bool = False
    ) -> None:
        super().__init__(detail)
        #: Seconds until the next attempt, where Telegram named them.
        self.retry_after = retry_after
        #: Whether another attempt would be refused too.
        self.is_final = is_final


class ShadowedPackage(AngelXError):
    """A module of another project shadows a package of Angel-X on the import path."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n  ".join(["Angel-X cannot import its own packages:", *faults]))


class BrokerError(AngelXError):
    """A request to the trading broker was refused, or got no answer."""

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(f"{detail} ({code})" if code else detail)
        #: The broker's code or the HTTP status, empty where there is neither.
        self.code = code
        #: The reason in the broker's words.
        self.detail = detail


class BrokerRefused(BrokerError):
    """The broker refused the request, which had no effect."""


class BrokerLoginRefused(BrokerError):
    """The credentials are wrong, or the client may not log in."""


class BrokerSessionEnded(BrokerError):
    """The token is missing, invalid or expired; the request had no effect."""


class BrokerThrottled(BrokerError):
    """More requests than the broker allows; this one had no effect."""


class BudgetSpent(BrokerError):
    """More requests than the broker allows by our own count; this one was not sent."""

    def __init__(self, detail: str, *, seconds: float = 0.0) -> None:
        super().__init__(detail)
        #: Until there may be room, as far as it is known.
        self.seconds = seconds


class BrokerUnavailable(BrokerError):
    """There is no answer that can be read, so the outcome of a write is unknown."""


class ApiError(AngelXError):
    """A call of the client library was refused, or got no answer."""

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        faults: tuple[Fault, ...] = (),
        retry_after: float | None = None,
        kind: str = "",
        message_id: str = "",
    ) -> None:
        super().__init__(detail)
        #: The HTTP status, None where there was no answer.
        self.status = status
        self.faults = faults
        #: Seconds until the next attempt.
        self.retry_after = retry_after
        #: The ``type`` of the problem, empty where the answer had none.
        self.kind = kind
        #: The message that was refused; empty of requests over HTTP.
        self.message_id = message_id


class InvalidRequest(ApiError):
    """The request is invalid; :attr:`faults` has the reasons."""


class Unauthorized(ApiError):
    """The key is missing, wrong, revoked, or without the scope."""


class NotFound(ApiError):
    """No record of this account has this name or id."""


class Conflict(ApiError):
    """The call contradicts the stored state."""


class Overloaded(ApiError):
    """Too many orders wait; try again after :attr:`retry_after` seconds."""


class Unavailable(ApiError):
    """There is no reliable answer.  Whether the call had an effect is unknown."""
