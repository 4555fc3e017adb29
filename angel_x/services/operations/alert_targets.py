"""Targets of alerts: adding, removing and testing them, and their notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from angel_x.domain.operations.alert_target import (
    NoticeStatus,
    NoticeView,
    TargetView,
    checked_name,
    service_of,
)
from angel_x.domain.operations.notice import (
    Notice,
    QuietHours,
    Topic,
    chosen_topics,
    parse_quiet_hours,
)
from angel_x.errors import UnknownTarget
from angel_x.services.ports import Clock

#: Notices that are shown at most.
MOST_NOTICES = 200


class TargetStore(Protocol):
    """The stored targets; an owner of None is the operators."""

    def put(
        self,
        user_id: int | None,
        name: str,
        service: str,
        address: bytes,
        topics: Sequence[Topic],
        quiet: QuietHours | None,
        actor: str,
    ) -> None: ...
    def remove(self, user_id: int | None, name: str, actor: str) -> bool: ...
    def views(self, user_id: int | None) -> Sequence[TargetView]: ...
    def notices(
        self, user_id: int | None, status: NoticeStatus | None, limit: int
    ) -> Sequence[NoticeView]: ...
    def tell(self, user_id: int | None, name: str | None, notice: Notice) -> int: ...
    def retry_dead(self, user_id: int | None) -> int: ...


@dataclass(frozen=True, slots=True)
class TargetForm:
    """A target as it is asked for."""

    url: str
    topics: Sequence[str] = ()
    quiet_hours: str | None = None

    def __repr__(self) -> str:
        return f"TargetForm(topics={self.topics}, quiet_hours={self.quiet_hours})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTargets:
    """The targets of accounts and operators.  Addresses go in and never come out."""

    store: TargetStore
    #: Encrypts an address.
    sealed: Callable[[str], bytes]
    #: Refuses an address that cannot be read.
    check: Callable[[str], None]
    clock: Clock

    def put(
        self, user_id: int | None, name: str, form: TargetForm, *, actor: str, by_operator: bool
    ) -> TargetView:
        """Store a target, or replace the one of this name; a second call changes nothing.

        Raises:
            InvalidInput: A part is invalid, or the service is for operators only.
            AlertsOff: There is no key, or no library.
        """
        checked_name(name)
        topics = chosen_topics(form.topics, is_operator=user_id is None)
        quiet = parse_quiet_hours(form.quiet_hours)
        service = service_of(form.url, is_operator=by_operator)
        sealed = self.sealed(form.url)
        self.check(form.url)
        self.store.put(user_id, name, service, sealed, topics, quiet, actor)
        return next(view for view in self.store.views(user_id) if view.name == name)

    def remove(self, user_id: int | None, name: str, *, actor: str) -> None:
        """Remove a target with its notices.

        Raises:
            UnknownTarget: There is none of this name, or no more.
        """
        if not self.store.remove(user_id, name, actor):
            raise UnknownTarget(f"no target of alerts has this name: {name}")

    def all(self, user_id: int | None) -> Sequence[TargetView]:
        """Return the targets of an account, or of the operators."""
        return self.store.views(user_id)

    def notices(
        self, user_id: int | None, status: NoticeStatus | None, limit: int = MOST_NOTICES
    ) -> Sequence[NoticeView]:
        """Return the notices to an owner's targets, the newest first: all, or those of a status."""
        return self.store.notices(user_id, status, limit)

    def test(self, user_id: int | None, name: str | None, *, actor: str) -> int:
        """Let a test notice be sent to a target, or to all of an owner; each call sends another one.

        Raises:
            UnknownTarget: There is no target, or none of this name.
        """
        now = self.clock()
        text = f"This is a test of the alerts, by {actor}."
        told = self.store.tell(user_id, name, Notice(Topic.TEST, f"test {now.isoformat()}", text))
        if not told:
            named = f" has this name: {name}" if name else " is set"
            raise UnknownTarget(f"no target of alerts{named}")
        return told

    def retry_dead(self, user_id: int | None) -> int:
        """Let the dead notices of an owner be sent again; return their number, zero the second time."""
        return self.store.retry_dead(user_id)
