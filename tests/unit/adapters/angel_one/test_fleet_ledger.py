from __future__ import annotations

from collections.abc import Mapping

import pytest

from angel_x.adapters.angel_one.budget import LocalLedger
from angel_x.adapters.angel_one.fleet_ledger import FleetLedger
from angel_x.domain.exchange.request_budget import RequestAsk, share_of, windows_of

WINDOWS = windows_of(8)


class Shared:
    """A shared ledger that lets in everything, unless it is away."""

    def __init__(self) -> None:
        self.content = "one"
        self.is_away = False
        self.told: list[str] = []
        self.restored: list[dict[str, float | None]] = []

    def take(self, ask: RequestAsk) -> tuple[float, str]:
        self._tell("take")
        return 0.0, self.content

    def settle(self, ask: RequestAsk) -> None:
        self._tell("settle")

    def leave(self, ask: RequestAsk) -> None:
        self._tell("leave")

    def restore(self, ask: RequestAsk, ages: Mapping[str, float | None]) -> None:
        self.restored.append(dict(ages))

    def _tell(self, name: str) -> None:
        if self.is_away:
            raise ConnectionError
        self.told.append(name)


class Fleet:
    """One process of four."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.shared = Shared()
        self.ledger = FleetLedger(
            self.shared,
            LocalLedger(lambda: self.now, share=lambda windows: share_of(windows, 4)),
            unreachable=(ConnectionError,),
            monotonic=lambda: self.now,
            pause_seconds=3.0,
        )

    def send(self) -> float:
        """Send a request that is answered at once; return 0 or the seconds to wait."""
        ask = RequestAsk("orders", WINDOWS)
        wait = self.ledger.take(ask)
        if not wait:
            self.ledger.settle(ask)
        return wait


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def test_while_the_shared_ledger_answers_it_alone_decides(fleet: Fleet) -> None:
    assert [fleet.send() for _ in range(20)] == [0] * 20
    assert fleet.shared.told == ["take", "settle"] * 20


def test_without_it_nothing_is_sent_for_a_while_and_then_a_share(fleet: Fleet) -> None:
    fleet.shared.is_away = True

    waits = []
    for _ in range(6):
        waits.append(fleet.send())
        fleet.now += 0.5
    assert waits == [3.0, 2.5, 2.0, 1.5, 1.0, 0.5]
    assert [fleet.send() for _ in range(3)] == [0, 0, 1.0]


def test_what_was_let_in_before_counts_in_the_share(fleet: Fleet) -> None:
    fleet.ledger = FleetLedger(
        fleet.shared,
        LocalLedger(lambda: fleet.now, share=lambda windows: share_of(windows, 4)),
        unreachable=(ConnectionError,),
        monotonic=lambda: fleet.now,
        pause_seconds=0.0,
    )
    fleet.send()
    fleet.send()
    fleet.shared.is_away = True

    assert fleet.send() == 1.0


@pytest.mark.parametrize("event", ["wiped", "away"])
def test_a_process_tells_its_requests_when_the_ledger_is_back_or_empty(
    fleet: Fleet, event: str
) -> None:
    fleet.send()
    if event == "wiped":
        fleet.shared.content = "two"
    else:
        fleet.shared.is_away = True
        fleet.send()
        fleet.now += 1.0
        fleet.shared.is_away = False

    assert fleet.send() == 0

    assert len(fleet.shared.restored[-1]) == 1
    fleet.send()
    assert len(fleet.shared.restored) == 2
