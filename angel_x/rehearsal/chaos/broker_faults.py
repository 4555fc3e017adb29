"""Faults of the message broker, and of the connections to it."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from random import Random
from typing import Any, cast
from uuid import uuid4

import redis

from angel_x.rehearsal.chaos.environment import Ground, Passage, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets
from angel_x.rehearsal.chaos.proxy import Point

#: Seconds in which the server must be back.
_REBIRTH = 20.0
#: Seconds in which a message must pass by.
_TRAFFIC = 8.0
_AOF = "appendonlydir"


def _broker(_: Ground) -> list[str]:
    return ["broker"]


def _through(passage: Passage) -> Targets:
    return lambda ground: [passage] if passage in ground.passages else []


def restart(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill the server, which then reads what it has written down."""
    mark = _mark(ground)
    proof = _kill(ground)
    if not _has(ground, mark):
        raise Unverified(f"{proof}, and has forgotten all")
    return f"{proof}, and remembers"


def wipe(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Kill the server and take away what it has written down."""
    mark = _mark(ground)
    # It goes on writing into the renamed files, and finds none when it starts again.
    taken = ground.broker_folder / f"taken-{uuid4().hex}"
    (ground.broker_folder / _AOF).rename(taken)
    proof = _kill(ground)
    shutil.rmtree(taken)
    if _has(ground, mark):
        raise Unverified(f"{proof}, and still remembers")
    return f"{proof}, and has forgotten all"


def flush(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Remove every key."""
    mark = _mark(ground)
    with ground.broker() as broker:
        keys = broker.dbsize()
        broker.flushall()
    if _has(ground, mark):
        raise Unverified("a key is still there")
    return f"{keys} keys are gone"


def fill(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Leave no memory for anything new, for some seconds."""
    with ground.broker() as broker:
        before = cast("dict[str, str]", broker.config_get("maxmemory"))["maxmemory"]
        broker.config_set("maxmemory", "1")
        try:
            refusal = _refusal(broker)
            ground.pause(random.uniform(1, 4))
        finally:
            broker.config_set("maxmemory", before)
        if _refusal(broker):
            raise Unverified("it stays full")
    if not refusal:
        raise Unverified("it still took what was written")
    return f"a write was answered with {refusal!r}"


def kill_clients(ground: Ground, target: str, random: Random) -> str:  # noqa: ARG001 - a Strike
    """Close every client's connection."""
    with ground.broker() as broker:
        before = _clients(broker)
        for kind in ("normal", "pubsub"):
            broker.client_kill_filter(_type=kind, skipme=True)
        if not before or not ground.within(5, lambda: not before & _clients(broker)):
            raise Unverified(f"{len(before & _clients(broker))} connections are still open")
    return f"{len(before)} connections closed"


def cut_pop(ground: Ground, target: str, random: Random) -> str:
    """Cut a worker's connection on a message: it has left its list and reaches nobody."""
    queue = random.choice(ground.queues)
    pattern = b"*2\r\n$%d\r\n%s\r\n" % (len(queue), queue.encode())
    lost = _cut(ground, Passage(target), pattern, Point.REPLY)
    return f"a message of {queue} left its list and reached nobody, {lost} bytes"


def cut_push(ground: Ground, target: str, random: Random) -> str:
    """Cut a sender's connection after its message was taken, before it is told so."""
    queue = random.choice(ground.queues)
    pattern = b"LPUSH\r\n$%d\r\n%s\r\n" % (len(queue), queue.encode())
    lost = _cut(ground, Passage(target), pattern, Point.REPLY_TO)
    return f"a message was put on {queue} and its sender not told, {lost} bytes"


def swallow(ground: Ground, target: str, random: Random) -> str:
    """Hold back all bytes in both directions for some seconds; they arrive late."""
    proxy = ground.passages[Passage(target)]
    before, seconds = proxy.count.held_bytes, random.uniform(2, 7)
    proxy.hold()
    try:
        ground.pause(seconds)
        is_proven = ground.within(3, lambda: proxy.count.held_bytes > before)
    finally:
        proxy.release()
    if not is_proven:
        raise Unverified("nothing came by")
    return f"{proxy.count.held_bytes - before} bytes arrived {seconds:.1f} s late"


def _mark(ground: Ground) -> str:
    """Leave a key of which we see later whether it is still there."""
    mark = f"chaos:{uuid4().hex}"
    with ground.broker() as broker:
        broker.set(mark, 1, ex=120)
    return mark


def _has(ground: Ground, mark: str) -> bool:
    with ground.broker() as broker:
        return bool(broker.exists(mark))


def _kill(ground: Ground) -> str:
    before = _server(ground)
    os.kill(before["process_id"], signal.SIGKILL)
    after: dict[str, Any] = {}

    def is_back() -> bool:
        with suppress(redis.RedisError):
            after.update(_server(ground))
        return bool(after) and after["run_id"] != before["run_id"]

    if not ground.within(_REBIRTH, is_back):
        raise Unverified(f"process {before['process_id']} was killed and none took its place")
    return f"process {before['process_id']} killed, {after['process_id']} runs"


def _server(ground: Ground) -> dict[str, Any]:
    with ground.broker() as broker:
        # A server that still loads answers this and nothing else.
        broker.ping()
        return broker.info("server")


def _refusal(broker: redis.Redis) -> str:
    """Try to write and return what the server says against it."""
    try:
        broker.set("chaos:full", 1, ex=60)
    except redis.RedisError as error:
        return str(error)
    return ""


def _clients(broker: redis.Redis) -> set[str]:
    """Return the ids of all connections but this one."""
    own = str(broker.client_id())
    return {client["id"] for client in broker.client_list()} - {own}


def _cut(ground: Ground, passage: Passage, pattern: bytes, point: Point) -> int:
    proxy = ground.passages[passage]
    cut = proxy.arm(pattern, point)
    try:
        if not ground.within(_TRAFFIC, lambda: cut.has_struck):
            raise Unverified("no such message came by")
    finally:
        proxy.disarm(cut)
    return len(cut.lost)


KINDS = (
    Kind("broker restarted with its file", 2, _broker, restart),
    Kind("broker restarted without its file", 2, _broker, wipe),
    Kind("broker flushed", 2, _broker, flush),
    Kind("broker full", 1, _broker, fill),
    Kind("broker clients killed", 2, _broker, kill_clients),
    Kind("cut on a message to a worker", 3, _through(Passage.WORKERS_TO_BROKER), cut_pop),
    Kind("cut on the answer to a sender", 2, _through(Passage.SENDERS_TO_BROKER), cut_push),
    Kind("workers' broker in a black hole", 1, _through(Passage.WORKERS_TO_BROKER), swallow),
    Kind("senders' broker in a black hole", 1, _through(Passage.SENDERS_TO_BROKER), swallow),
)
