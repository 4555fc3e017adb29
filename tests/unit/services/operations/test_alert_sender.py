"""The sender: one text for each claim, outcomes recorded, and no target that holds up the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from angel_x.domain.operations.alert_target import ClaimedNotice, NoticeClaim
from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.notice import Notification, Topic
from angel_x.domain.orders.step import unhindered
from angel_x.errors import AlertsOff, NoticeNotSent
from angel_x.services.operations.alert_sender import AlertSender
from tests.builders.recorders import RecordingMeter


def claim(address: bytes, *texts: str) -> NoticeClaim:
    notices = (ClaimedNotice(n, Topic.FILL, text, 1) for n, text in enumerate(texts))
    return NoticeClaim(address, tuple(notices))


@dataclass
class Outbox:
    claims: list[NoticeClaim]
    recorded: list[tuple[bytes, str]] = field(default_factory=list)

    def claim(self) -> NoticeClaim | None:
        return self.claims.pop(0) if self.claims else None

    def sent(self, claim: NoticeClaim) -> None:
        self.recorded.append((claim.address, "sent"))

    def failed(self, claim: NoticeClaim, error: str) -> int:
        self.recorded.append((claim.address, error))
        return 1


@dataclass
class Services:
    refused: str = ""
    texts: list[tuple[str, Notification]] = field(default_factory=list)

    def send(self, address: str, text: Notification) -> None:
        if address == self.refused:
            raise NoticeNotSent("refused")
        self.texts.append((address, text))


def opened(address: bytes) -> str:
    if address == b"sealed":
        raise AlertsOff("no key opens it")
    return address.decode()


def sender(
    outbox: Outbox, services: Services, meter: RecordingMeter, *seconds: float
) -> AlertSender:
    moments = iter(seconds or [0.0] * 20)
    return AlertSender(
        outbox=outbox,
        services=services,
        opened=opened,
        meter=meter,
        at=unhindered,
        monotonic=lambda: next(moments),
    )


def test_the_notices_of_a_claim_travel_in_one_text() -> None:
    outbox, services, meter = Outbox([claim(b"a", "one", "two")]), Services(), RecordingMeter()

    assert sender(outbox, services, meter).send_due() == 1
    assert services.texts == [("a", Notification("Angel-X: Fill", "one\ntwo"))]
    assert outbox.recorded == [(b"a", "sent")]


def test_a_target_that_fails_is_recorded_and_the_next_one_is_served() -> None:
    outbox = Outbox([claim(b"a", "one"), claim(b"sealed", "two"), claim(b"c", "three")])
    services, meter = Services(refused="a"), RecordingMeter()

    assert sender(outbox, services, meter).send_due() == 1
    assert outbox.recorded == [(b"a", "refused"), (b"sealed", "no key opens it"), (b"c", "sent")]


def test_a_claim_whose_notices_were_all_given_up_sends_nothing() -> None:
    outbox, services = Outbox([claim(b"a")]), Services()

    assert sender(outbox, services, RecordingMeter()).send_due() == 0
    assert services.texts == []
    assert outbox.recorded == []


def test_after_some_seconds_nothing_more_is_claimed() -> None:
    outbox = Outbox([claim(b"a", "one"), claim(b"b", "two"), claim(b"c", "three")])

    assert sender(outbox, Services(), RecordingMeter(), 0.0, 0.0, 4.9, 5.0).send_due() == 2
    assert len(outbox.claims) == 1


def test_outcomes_are_counted() -> None:
    outbox, meter = Outbox([claim(b"a", "one", "two"), claim(b"b", "three")]), RecordingMeter()

    sender(outbox, Services(refused="b"), meter).send_due()

    assert [(amount, labels["outcome"]) for _, amount, labels in meter.added] == [
        (2, "sent"),
        (1, "failed"),
        (1, "dead"),
    ]
    assert {metric for metric, _, _ in meter.added} == {Metric.ALERT_NOTICES}
