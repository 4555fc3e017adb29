"""Targets of notices, and the notices on their way to them.  No record here holds an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.operations.notice import QuietHours, Topic
from angel_x.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_LONGEST_ADDRESS = 2_000
#: Services whose host is fixed.  Behind any other an address could reach into the network of the
#: system, so such targets are added by operators.
FIXED_HOSTS = frozenset({"discord", "pover", "slack", "tgram", "whatsapp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTarget:
    """One target of an account, or of the operators."""

    id: int
    #: None: of the operators.
    user_id: int | None
    name: str
    #: The scheme of its address, as in ``tgram``.
    service: str
    topics: tuple[Topic, ...]
    quiet: QuietHours | None

    def wants(self, topic: Topic, user_id: int | None) -> bool:
        """Return whether a notice of a topic, about an account or the system, goes to this target."""
        concerns = self.user_id is None or user_id == self.user_id
        is_for_all = topic is Topic.KILL_SWITCH and user_id is None
        return topic in self.topics and (concerns or is_for_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """A target as it is shown."""

    name: str
    service: str
    topics: tuple[Topic, ...]
    #: As in ``22:30-07:00``, Indian time.
    quiet_hours: str | None
    waiting: int
    dead: int


class NoticeStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    #: Given up after as many attempts as ALERTS_ATTEMPTS.
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """A notice to one target, as it is shown."""

    id: int
    target: str
    topic: Topic
    text: str
    status: NoticeStatus
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class TargetList:
    """Targets by name."""

    targets: tuple[TargetView, ...]


@dataclass(frozen=True, slots=True)
class NoticeList:
    """Notices, the newest first."""

    notices: tuple[NoticeView, ...]


@dataclass(frozen=True, slots=True)
class NoticeCount:
    """The number of notices that are written, or wait again."""

    notices: int


@dataclass(frozen=True, slots=True)
class ClaimedNotice:
    """A notice that a sender has claimed."""

    id: int
    topic: Topic
    text: str
    #: The number of this attempt, which the record of its outcome has to name.
    attempts: int


@dataclass(frozen=True, slots=True)
class NoticeClaim:
    """Due notices of one target, to be sent in one text."""

    #: The sealed address.
    address: bytes
    notices: tuple[ClaimedNotice, ...]
    #: The number of notices that are dead since this claim: their senders ended at every attempt.
    given_up: int = 0


def checked_name(name: str) -> str:
    """Return the name of a target.

    Raises:
        InvalidInput: It is malformed.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"a target's name must be 1 to 32 letters, digits or any of _.-, was {name!r}",
            field="name",
            value=name,
        )
    return name


def service_of(address: str, *, is_operator: bool) -> str:
    """Return the service of an address.  No message here repeats the address.

    Raises:
        InvalidInput: It has no scheme, or a service that is for operators only.
    """
    if not (address.isascii() and address.isprintable() and len(address) <= _LONGEST_ADDRESS):
        raise InvalidInput(
            f"an address must be at most {_LONGEST_ADDRESS} printable ASCII characters", field="url"
        )
    scheme, separator, rest = address.partition("://")
    service = scheme.lower()
    if not separator or not rest or not re.fullmatch(r"[a-z0-9+]{1,20}", service):
        raise InvalidInput("an address must begin with its service, as in tgram://", field="url")
    # Options could name files of the system to be sent along.
    if not is_operator and (service not in FIXED_HOSTS or "?" in rest):
        raise InvalidInput(
            f"an account's own target must be one of {', '.join(sorted(FIXED_HOSTS))}, without "
            "options behind a question mark; operators add others",
            field="url",
        )
    return service
