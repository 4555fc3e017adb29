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

from angel_x.rehearsal.chaos.cut import Point
from angel_x.rehearsal.chaos.environment import Environment, Passage, Unverified
from angel_x.rehearsal.chaos.fault import Kind, Targets

#: Seconds in which the server must run again.
_RESTART = 20.0
#: Seconds in which a message must pass by.
_TRAFFIC = 8.0
_AOF = "appendonlydir"


def _broker(_: Environment) -> list[str]:
    return ["broker"]


def _through(passage: Passage) -> Targets:
    return lambda environment: [passage] if passage in environment.passages else []


def restart(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill the server; it starts again with its append-only file."""
    mark = _mark(environment)
    proof = _kill(environment)
    if not _has(environment, mark):
        raise Unverified(f"{proof}, and has forgotten all")
    return f"{proof}, and remembers"


def wipe(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill the server and remove its append-only file."""
    mark = _mark(environment)
    # It goes on writing into the renamed files, and finds none when it starts again.
    taken = environment.broker_folder / f"taken-{uuid4().hex}"
    (environment.broker_folder / _AOF).rename(taken)
    proof = _kill(environment)
    shutil.rmtree(taken)
    if _has(environment, mark):
        raise Unverified(f"{proof}, and still remembers")
    return f"{proof}, and has forgotten all"


def damage(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Kill the server and damage its append-only file, which is put aside."""
    aside = f"{_AOF}.damaged-*"
    before = set(environment.broker_folder.glob(aside))
    files = sorted((environment.broker_folder / _AOF).glob("*.incr.aof"))
    if not files:
        raise Unverified("there is no append-only file")
    zeros = bytes(random.randint(1, 4096))
    with files[-1].open("ab") as file:
        file.write(zeros)
    proof = f"{_kill(environment)}, with {len(zeros)} zero bytes in its file"
    if not set(environment.broker_folder.glob(aside)) - before:
        raise Unverified(f"{proof}, which was not put aside")
    return f"{proof}, put aside"


def flush(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Remove every key."""
    mark = _mark(environment)
    with environment.broker() as broker:
        keys = broker.dbsize()
        broker.flushall()
    if _has(environment, mark):
        raise Unverified("a key is still there")
    return f"{keys} keys are gone"


def fill(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Leave no memory for anything new, for some seconds."""
    with environment.broker() as broker:
        before = cast("dict[str, str]", broker.config_get("maxmemory"))["maxmemory"]
        broker.config_set("maxmemory", "1")
        try:
            refusal = _refusal(broker)
            environment.pause(random.uniform(1, 4))
        finally:
            broker.config_set("maxmemory", before)
        if _refusal(broker):
            raise Unverified("it stays full")
    if not refusal:
        raise Unverified("it still took writes")
    return f"a write was answered with {refusal!r}"


def kill_clients(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Close every client's connection."""
    with environment.broker() as broker:
        before = _clients(broker)
        for kind in ("normal", "pubsub"):
            broker.client_kill_filter(_type=kind, skipme=True)
        if not before or not environment.within(5, lambda: not before & _clients(broker)):
            raise Unverified(f"{len(before & _clients(broker))} connections are still open")
    return f"{len(before)} connections closed"


def cut_pop(environment: Environment, target: str, random: Random) -> str:
    """Cut a worker's connection on a message: it has left its list and is lost."""
    queue = random.choice(environment.queues)
    pattern = b"*2\r\n$%d\r\n%s\r\n" % (len(queue), queue.encode())
    lost = _cut(environment, Passage(target), pattern, Point.REPLY)
    return f"a message of {queue} left its list and was lost, {lost} bytes"


def cut_push(environment: Environment, target: str, random: Random) -> str:
    """Cut a sender's connection after its message was stored, before the reply."""
    queue = random.choice(environment.queues)
    # A command that names the queue and goes on: the message follows.
    pattern = b"\r\n$%d\r\n%s\r\n$" % (len(queue), queue.encode())
    lost = _cut(environment, Passage(target), pattern, Point.REPLY_TO)
    return f"a message was put on {queue} without a reply, {lost} bytes"


def swallow(environment: Environment, target: str, random: Random) -> str:
    """Hold back all bytes in both directions for some seconds; they arrive late."""
    proxy = environment.passages[Passage(target)]
    before, seconds = proxy.count.held_bytes, random.uniform(2, 7)
    proxy.hold()
    try:
        environment.pause(seconds)
        is_proven = environment.within(3, lambda: proxy.count.held_bytes > before)
    finally:
        proxy.release()
    if not is_proven:
        raise Unverified("nothing came by")
    return f"{proxy.count.held_bytes - before} bytes arrived {seconds:.1f} s late"


def _mark(environment: Environment) -> str:
    """Write a key, to see later whether the server still has it."""
    mark = f"chaos:{uuid4().hex}"
    with environment.broker() as broker:
        broker.set(mark, 1, ex=120)
    return mark


def _has(environment: Environment, mark: str) -> bool:
    with environment.broker() as broker:
        return bool(broker.exists(mark))


def _kill(environment: Environment) -> str:
    before = _server(environment)
    os.kill(before["process_id"], signal.SIGKILL)
    after: dict[str, Any] = {}

    def is_back() -> bool:
        with suppress(redis.RedisError):
            after.update(_server(environment))
        return bool(after) and after["run_id"] != before["run_id"]

    if not environment.within(_RESTART, is_back):
        raise Unverified(f"process {before['process_id']} was killed and none took its place")
    return f"process {before['process_id']} killed, {after['process_id']} runs"


def _server(environment: Environment) -> dict[str, Any]:
    with environment.broker() as broker:
        # A server that still loads answers this and nothing else.
        broker.ping()
        return broker.info("server")


def _refusal(broker: redis.Redis) -> str:
    """Try to write; return the error of the server, empty where it wrote."""
    try:
        broker.set("chaos:full", 1, ex=60)
    except redis.RedisError as error:
        return str(error)
    return ""


def _clients(broker: redis.Redis) -> set[str]:
    """Return the ids of all connections but this one."""
    own = str(broker.client_id())
    return {client["id"] for client in broker.client_list()} - {own}


def _cut(environment: Environment, passage: Passage, pattern: bytes, point: Point) -> int:
    proxy = environment.passages[passage]
    cut = proxy.arm(pattern, point)
    try:
        if not environment.within(_TRAFFIC, lambda: cut.is_done):
            raise Unverified("no such message came by")
    finally:
        proxy.disarm(cut)
    return len(cut.lost)


KINDS = (
    Kind("broker restarted with its file", 2, _broker, restart),
    Kind("broker restarted without its file", 2, _broker, wipe),
    Kind("broker restarted with a damaged file", 2, _broker, damage),
    Kind("broker flushed", 2, _broker, flush),
    Kind("broker full", 1, _broker, fill),
    Kind("broker clients killed", 2, _broker, kill_clients),
    Kind("cut on a message to a worker", 3, _through(Passage.WORKERS_TO_BROKER), cut_pop),
    Kind("cut on the answer to a sender", 2, _through(Passage.SENDERS_TO_BROKER), cut_push),
    Kind("workers' broker in a black hole", 1, _through(Passage.WORKERS_TO_BROKER), swallow),
    Kind("senders' broker in a black hole", 1, _through(Passage.SENDERS_TO_BROKER), swallow),
)
