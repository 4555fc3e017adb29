"""Notices to people: their topics, the text of a notification, quiet hours and the pace of retries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from angel_x.domain.calendar.session import IST
from angel_x.errors import InvalidInput

#: Lines of one notification; the others are counted.
_LINES = 20
_FIRST_RETRY = timedelta(seconds=10)
_LONGEST_RETRY = timedelta(minutes=15)


class Topic(StrEnum):
    """The subject matter of a notice, which targets choose from."""

    FILL = "fill"
    DENIAL = "denial"
    MARGIN_SHORTFALL = "margin_shortfall"
    DAILY_LOSS = "daily_loss"
    EXPIRY_TODAY = "expiry_today"
    KILL_SWITCH = "kill_switch"
    FEED_STALE = "feed_stale"
    WORKER_LOST = "worker_lost"
    #: Sent by hand, to every target alike.
    TEST = "test"


@dataclass(frozen=True, slots=True)
class TopicRule:
    """The heading of a topic, and its readers."""

    title: str
    #: Whether it passes quiet hours.
    is_urgent: bool = False
    #: Whether an account may be told.
    for_accounts: bool = True
    #: Whether an operator is told unless a target chooses its topics.
    for_operators: bool = True


TOPICS: Mapping[Topic, TopicRule] = {
    Topic.FILL: TopicRule("Fill", for_operators=False),
    Topic.DENIAL: TopicRule("Order refused", for_operators=False),
    Topic.MARGIN_SHORTFALL: TopicRule("Margin shortfall", is_urgent=True),
    Topic.DAILY_LOSS: TopicRule("Daily loss", is_urgent=True),
    Topic.EXPIRY_TODAY: TopicRule("Expiry today", for_operators=False),
    Topic.KILL_SWITCH: TopicRule("Kill switch", is_urgent=True),
    Topic.FEED_STALE: TopicRule("Market data stale", is_urgent=True, for_accounts=False),
    Topic.WORKER_LOST: TopicRule("Worker lost", is_urgent=True, for_accounts=False),
    Topic.TEST: TopicRule("Test", is_urgent=True),
}
#: The topics that a target can choose.
CHOOSABLE = tuple(topic for topic in Topic if topic is not Topic.TEST)


def chosen_topics(names: Collection[str], *, is_operator: bool) -> tuple[Topic, ...]:
    """Return the topics of these names, or the usual ones of an account or an operator.

    Raises:
        InvalidInput: A topic is unknown, or not for accounts.
    """
    allowed = [t for t in CHOOSABLE if is_operator or TOPICS[t].for_accounts]
    for name in names:
        if name not in allowed:
            raise InvalidInput(
                f"a topic must be one of {', '.join(allowed)}, was {name}",
                field="topics",
                value=name,
            )
    if names:
        return tuple(topic for topic in allowed if topic in names)
    return tuple(t for t in allowed if not is_operator or TOPICS[t].for_operators)


@dataclass(frozen=True, slots=True)
class Notice:
    """One text for the readers of a topic."""

    topic: Topic
    #: Notices of the same topic and subject are duplicates.
    subject: str
    text: str
    #: The account that it is about, None for the system.
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours of a day in India in which only urgent notices are sent; they may pass midnight."""

    start: time
    end: time

    def end_after(self, now: datetime) -> datetime | None:
        """Return when the quiet hours around ``now`` end, None outside of them."""
        local = now.astimezone(IST)
        clock = local.time()
        passes_midnight = self.start > self.end
        inside = (
            clock >= self.start or clock < self.end
            if passes_midnight
            else self.start <= clock < self.end
        )
        if not inside:
            return None
        day = local.date() + timedelta(days=passes_midnight and clock >= self.start)
        return datetime.combine(day, self.end, IST).astimezone(now.tzinfo)


def parse_quiet_hours(text: str | None) -> QuietHours | None:
    """Return quiet hours written ``22:30-07:00`` in Indian time; None and an empty text are none.

    Raises:
        InvalidInput: The text has another form, or both times are equal.
    """
    if not text:
        return None
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
        is_valid = start != end and start.tzinfo is None is end.tzinfo
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidInput(
            f"quiet hours must be two times of a day in India, as in 22:30-07:00, was {text}",
            field="quiet_hours",
            value=text,
        )
    return QuietHours(start, end)


def due_at(topic: Topic, quiet: QuietHours | None, now: datetime) -> datetime:
    """Return when a notice may be sent: now, or at the end of quiet hours unless it is urgent."""
    if quiet is None or TOPICS[topic].is_urgent:
        return now
    return quiet.end_after(now) or now


@dataclass(frozen=True, slots=True)
class Notification:
    """The text of one sending."""

    title: str
    body: str


def notification(notices: Sequence[tuple[Topic, str]]) -> Notification:
    """Put the notices that are due for a target into one text; of more than twenty, count the rest."""
    topics = dict.fromkeys(topic for topic, _ in notices)
    lines = [text for _, text in notices[:_LINES]]
    if len(notices) > _LINES:
        lines.append(f"and {len(notices) - _LINES} more")
    return Notification(f"Angel-X: {_titles(topics)}", "\n".join(lines))


def _titles(topics: Iterable[Topic]) -> str:
    return ", ".join(TOPICS[topic].title for topic in topics)


def retry_pause(attempts: int) -> timedelta:
    """Return the pause after a failed attempt: it doubles from 10 seconds to a quarter of an hour."""
    doubled: int = 2 ** min(attempts - 1, 10)
    return min(_FIRST_RETRY * doubled, _LONGEST_RETRY)
