"""A worker that lives and takes nothing is replaced; while the broker is away none is."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import redis
from rich.console import Console

from angel_x.adapters.heartbeat import heartbeat_file, last_beat
from angel_x.adapters.installation import python
from angel_x.adapters.outage import outage
from angel_x.adapters.redis.consumers import Consumers
from angel_x.entrypoints.supervisor import Program, Supervisor
from angel_x.entrypoints.supervisor.heartbeat_watch import HeartbeatWatch
from angel_x.entrypoints.supervisor.output import Terminal
from config.queues import QueueName
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

#: Seconds: the bound on an idle machine, and the longest one that this test has the time for.
LEAST_BOUND, MOST_BOUND = 3.0, 15.0
#: The pauses between heartbeats that the bound allows for.
PAUSES = 4
DEADLINE = 240
NAME = "worker-monitor"


class Watched:
    """One worker under the supervisor, with a watch over its heartbeat."""

    def __init__(self, environment: dict[str, str], logs: Path) -> None:
        self.file = heartbeat_file(environment["ANGEL_X_HOME"], "test", "monitor")
        self.replaced: list[str] = []
        self.excused = 0
        program = Program(
            name=NAME,
            argv=python("angel_x.entrypoints.cli", "worker", "monitor"),
            environ=environment,
            ready_words=" ready.",
            heartbeat=self.file,
        )
        self.supervisor = Supervisor([[program]], logs, Terminal(Console(file=io.StringIO())))
        self._outage = partial(
            outage,
            environment["ANGEL_X_BROKER_URL"],
            environment["ANGEL_X_DATABASE_URL"],
            settled_seconds=0,
        )

    def watch(self, bound: float) -> HeartbeatWatch:
        return HeartbeatWatch(
            self.supervisor.children,
            bound_seconds=bound,
            outage=self._asked,
            on_replaced=self.replaced.append,
            reconnect_seconds=bound,
        )

    async def longest_pause(self) -> float:
        """Return the longest time between two of the first heartbeats."""
        beats = [await self.beats_after(0)]
        for _ in range(3):
            beats.append(await self.beats_after(beats[-1]))
        return max(later - beat for beat, later in pairwise(beats))

    def _asked(self) -> str | None:
        reason = self._outage()
        self.excused += reason is not None
        return reason

    async def beats_after(self, moment: float) -> float:
        """Wait for a heartbeat after a moment, and return its time."""
        async with asyncio.timeout(DEADLINE):
            while (last_beat(self.file) or 0.0) <= moment:
                await asyncio.sleep(0.05)
        return last_beat(self.file) or 0.0


def test_a_deaf_worker_is_replaced_and_no_worker_is_while_the_broker_is_away(
    environment: dict[str, str], redis_urls: RedisUrls, tmp_path: Path
) -> None:
    broker = redis.Redis.from_url(redis_urls.broker_redis_url)
    watched = Watched({**environment, "ANGEL_X_DEAF_AFTER_SECONDS": "30"}, tmp_path)

    async def run() -> None:
        async with watched.supervisor as supervisor:
            await supervisor.start()
            first = supervisor.pids()[NAME]
            pause = await watched.longest_pause()
            bound = min(MOST_BOUND, max(LEAST_BOUND, PAUSES * pause))
            away = 1.5 * bound
            seen = await watched.beats_after(0)
            looking = asyncio.create_task(watched.watch(bound).run())

            broker.client_pause(int(away * 1000), all=True)
            await watched.beats_after(seen + away)
            assert watched.excused
            assert (watched.replaced, supervisor.pids()[NAME]) == ([], first)

            os.killpg(first, signal.SIGSTOP)
            async with asyncio.timeout(DEADLINE):
                while supervisor.starts()[NAME] < 2:
                    await asyncio.sleep(0.05)
            await watched.beats_after(await watched.beats_after(0))
            assert watched.replaced[0] == NAME
            looking.cancel()

    asyncio.run(run())

    assert Consumers(broker).unheard([QueueName.MONITOR, QueueName.GREEKS]) == [QueueName.GREEKS]
    broker.close()
