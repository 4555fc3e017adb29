"""Notices: their topics, quiet hours in India, the text of a notification, the pace of retries."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from angel_x.domain.operations.alert_target import AlertTarget, checked_name, service_of
from angel_x.domain.operations.notice import (
    TOPICS,
    QuietHours,
    Topic,
    chosen_topics,
    due_at,
    notification,
    parse_quiet_hours,
    retry_pause,
)
from angel_x.errors import InvalidInput

NIGHT = QuietHours(time(22, 30), time(7))
#: In Indian time 23:00 on the 1st, 06:59 on the 2nd, and noon.
LATE = datetime(2026, 12, 1, 17, 30, tzinfo=UTC)
EARLY = datetime(2026, 12, 2, 1, 29, tzinfo=UTC)
NOON = datetime(2026, 12, 2, 6, 30, tzinfo=UTC)
SEVEN = datetime(2026, 12, 2, 1, 30, tzinfo=UTC)


def target(user_id: int | None, *topics: Topic) -> AlertTarget:
    return AlertTarget(
        id=1, user_id=user_id, name="phone", service="tgram", topics=topics, quiet=None
    )


def test_the_topics_have_their_fixed_names() -> None:
    names = "fill denial margin_shortfall daily_loss expiry_today kill_switch feed_stale worker_lost test"

    assert [topic.value for topic in Topic] == names.split()
    assert list(TOPICS) == list(Topic)


@pytest.mark.parametrize(("now", "due"), [(LATE, SEVEN), (EARLY, SEVEN), (NOON, NOON)])
def test_a_notice_waits_for_the_end_of_quiet_hours_that_pass_midnight(
    now: datetime, due: datetime
) -> None:
    assert due_at(Topic.FILL, NIGHT, now) == due


def test_quiet_hours_within_a_day_end_on_it() -> None:
    lunch = QuietHours(time(11), time(13))

    assert due_at(Topic.FILL, lunch, NOON) == NOON + timedelta(hours=1)
    assert due_at(Topic.FILL, lunch, LATE) == LATE


def test_an_urgent_notice_passes_quiet_hours() -> None:
    assert due_at(Topic.KILL_SWITCH, NIGHT, LATE) == LATE
    assert due_at(Topic.MARGIN_SHORTFALL, NIGHT, LATE) == LATE


def test_quiet_hours_are_read_as_two_times_of_a_day() -> None:
    assert parse_quiet_hours("22:30-07:00") == NIGHT
    assert parse_quiet_hours("") is parse_quiet_hours(None) is None


@pytest.mark.parametrize("text", ["22:30", "22:30-", "7-7", "07:00-07:00", "a-b", "25:00-07:00"])
def test_quiet_hours_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="must be two times"):
        parse_quiet_hours(text)


def test_an_account_is_told_of_itself_and_of_halts_of_the_system() -> None:
    mine = target(7, Topic.FILL, Topic.KILL_SWITCH)

    assert mine.wants(Topic.FILL, 7)
    assert not mine.wants(Topic.FILL, 8)
    assert not mine.wants(Topic.FILL, None)
    assert not mine.wants(Topic.DENIAL, 7)
    assert mine.wants(Topic.KILL_SWITCH, None)
    assert not mine.wants(Topic.KILL_SWITCH, 8)


def test_operators_are_told_of_every_account() -> None:
    theirs = target(None, Topic.FILL, Topic.FEED_STALE)

    assert theirs.wants(Topic.FILL, 7)
    assert theirs.wants(Topic.FEED_STALE, None)


def test_topics_are_chosen_or_usual() -> None:
    assert chosen_topics(["denial", "fill"], is_operator=False) == (Topic.FILL, Topic.DENIAL)
    assert Topic.FEED_STALE not in chosen_topics([], is_operator=False)
    assert Topic.FILL not in chosen_topics([], is_operator=True)


@pytest.mark.parametrize("name", ["test", "fills", "feed_stale"])
def test_an_account_cannot_choose_other_topics(name: str) -> None:
    with pytest.raises(InvalidInput, match="a topic must be one of"):
        chosen_topics([name], is_operator=False)


def test_notices_travel_together_in_twenty_lines_at_most() -> None:
    text = notification([(Topic.FILL, f"fill {n}") for n in range(23)] + [(Topic.DENIAL, "denied")])

    assert text.title == "Angel-X: Fill, Order refused"
    assert text.body.splitlines()[-2:] == ["fill 19", "and 4 more"]


def test_pauses_between_attempts_double_to_a_quarter_of_an_hour() -> None:
    assert [retry_pause(n).total_seconds() for n in (1, 2, 3, 8, 50)] == [10, 20, 40, 900, 900]


def test_the_service_of_an_address_is_its_scheme() -> None:
    assert service_of("tgram://123:abc/456", is_operator=False) == "tgram"
    assert service_of("jsons://hooks.example.com/?x=1", is_operator=True) == "jsons"


@pytest.mark.parametrize(
    "url",
    [
        "json://10.0.0.1/secret",
        "mailto://u:secret@example.com",
        "discord://i/secret?template=/etc/passwd",
    ],
)
def test_an_account_cannot_reach_hosts_or_files_of_its_choice(url: str) -> None:
    with pytest.raises(InvalidInput, match="operators add others") as refused:
        service_of(url, is_operator=False)

    assert "secret" not in str(refused.value) + refused.value.value


@pytest.mark.parametrize("url", ["secret", "://secret", "tgram://", "t gram://secret"])
def test_an_address_without_a_service_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput, match="must begin with its service") as refused:
        service_of(url, is_operator=True)

    assert "secret" not in str(refused.value) + refused.value.value


@pytest.mark.parametrize("url", ["tgram://secret\x00", "tgram://secr\ud800et", "x" * 2001])
def test_an_address_is_printable_ascii(url: str) -> None:
    with pytest.raises(InvalidInput, match="printable ASCII"):
        service_of(url, is_operator=True)


@pytest.mark.parametrize("name", ["", "a b", "x" * 33, "é"])
def test_a_name_of_a_target_is_plain(name: str) -> None:
    with pytest.raises(InvalidInput, match="a target's name"):
        checked_name(name)
