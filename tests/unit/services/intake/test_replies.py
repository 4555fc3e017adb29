"""Replies to senders: written while the server answers, and never in the way of an order."""

from __future__ import annotations

import pytest

from angel_x.services.intake.replies import Replies
from tests.fakes.refusals import MemoryResults


class Away(Exception):
    """The server of the results is away."""


class Desk:
    """Replies, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.results = MemoryResults()
        self.replies = Replies(self.results.put, unreachable=(Away,), monotonic=lambda: self.now)


def test_the_last_reply_to_a_message_is_kept() -> None:
    desk = Desk()

    desk.replies.put("m1", "first")
    desk.replies.put("m2", "other")
    desk.replies.put("m1", "second")

    assert desk.results.results == {"m1": "second", "m2": "other"}


def test_a_server_that_failed_is_left_alone_for_two_seconds() -> None:
    desk = Desk()
    desk.results.failure = Away()
    desk.replies.put("m1", "lost")
    desk.results.failure = None

    desk.now = 1.9
    desk.replies.put("m2", "lost as well")
    assert (desk.results.calls, desk.results.results) == (1, {})

    desk.now = 2.0
    desk.replies.put("m3", "kept")
    assert desk.results.results == {"m3": "kept"}


def test_an_error_that_is_no_outage_is_not_hidden() -> None:
    desk = Desk()
    desk.results.failure = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        desk.replies.put("m1", "lost")
