"""A program that is silent is replaced, and none is while a server is away or has just come back."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from angel_x.entrypoints.supervisor import heartbeat_watch
from angel_x.entrypoints.supervisor.child import Child
from angel_x.entrypoints.supervisor.heartbeat_watch import HeartbeatWatch

BOUND = 25.0


class Silent:
    """A program that has been silent for some seconds, until it is replaced."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds
        self.reasons: list[str] = []

    def silence(self) -> float:
        return self.seconds

    async def replace(self, reason: str) -> None:
        self.reasons.append(reason)
        self.seconds = 0.0


class Servers:
    """Counts how often it is asked."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.asked = 0

    def outage(self) -> str | None:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat_watch, "_LOOK_SECONDS", 0.0)


def watch(
    servers: Servers,
    *programs: Silent,
    looks: int = 3,
    reconnect_seconds: float = 35,
    stalled: float = 0,
) -> list[str]:
    """Look a few times; return the names of the replaced programs."""
    replaced: list[str] = []
    watching = HeartbeatWatch(
        cast("list[Child]", programs),
        bound_seconds=BOUND,
        outage=servers.outage,
        on_replaced=replaced.append,
        reconnect_seconds=reconnect_seconds,
    )

    async def looking() -> None:
        for _ in range(looks):
            await watching._look(stalled)

    asyncio.run(looking())
    return replaced


def test_the_silent_one_of_two_programs_is_replaced_once() -> None:
    deaf, well = Silent("worker-orders", 26), Silent("worker-greeks", 1)

    assert watch(Servers(None), deaf, well) == ["worker-orders"]
    assert deaf.reasons == ["asks for no messages since 26 s"]
    assert well.reasons == []


def test_no_server_is_asked_while_every_program_works() -> None:
    servers = Servers(None)

    assert watch(servers, Silent("worker-orders", 4)) == []
    assert servers.asked == 0


def test_a_program_within_its_bound_stays_and_the_servers_are_asked() -> None:
    servers = Servers(None)

    assert watch(servers, Silent("worker-orders", 20)) == []
    assert servers.asked == 3


def test_nothing_is_replaced_while_a_server_is_away_however_long() -> None:
    assert watch(Servers("the database does not answer"), Silent("a", 9999), looks=20) == []


def test_programs_may_connect_again_to_a_server_that_is_back() -> None:
    assert watch(Servers("away", None), Silent("a", 9999), looks=20) == []
    assert watch(Servers("away", None), Silent("a", 9999), reconnect_seconds=0) == ["a"]


def test_programs_of_a_machine_that_stood_still_are_excused() -> None:
    assert watch(Servers(None), Silent("a", 9999), stalled=6) == []
    assert watch(Servers(None), Silent("a", 9999), stalled=4) == ["a"]


def test_a_watch_that_runs_replaces_a_silent_program() -> None:
    replaced: list[str] = []
    watching = HeartbeatWatch(
        cast("list[Child]", [Silent("a", 9999)]),
        bound_seconds=BOUND,
        outage=Servers(None).outage,
        on_replaced=replaced.append,
        reconnect_seconds=0,
    )

    async def looking() -> None:
        running = asyncio.create_task(watching.run())
        while not replaced:
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(looking())
    assert replaced == ["a"]
