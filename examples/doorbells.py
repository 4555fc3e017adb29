"""Jobs that survive the death of any worker and the loss of the whole message broker, in plain Celery.

A job is a row of PostgreSQL (DATABASE_URL), a message at BROKER_URL says "work" (docs/doorbells.md).

    python doorbells.py create            # the table
    celery -A doorbells worker            # as many as you like
    python doorbells.py relay             # one or more
    python doorbells.py submit 100
    python doorbells.py count             # waiting and done
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from celery import Celery
from kombu.exceptions import OperationalError

BATCH, RELAY_SECONDS = 20, 0.5
app = Celery("doorbells", broker=os.environ.get("BROKER_URL"))
app.conf.update(task_ignore_result=True, task_publish_retry=False)


@contextmanager
def transaction() -> Iterator[psycopg2.extensions.cursor]:
    """Commit at the end, or leave nothing behind."""
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    with closing(connection), connection, connection.cursor() as cursor:
        yield cursor


def create() -> None:
    """Create the table of jobs."""
    table = "jobs (id serial PRIMARY KEY, name text UNIQUE, answer text, done_at timestamptz)"
    with transaction() as cursor:
        cursor.execute(f"CREATE TABLE {table}")


def submit(*names: str) -> None:
    """Store jobs, each name once, and ring: the commit is the promise, and the message is none."""
    with transaction() as cursor:
        cursor.executemany("INSERT INTO jobs (name) VALUES (%s) ON CONFLICT DO NOTHING", zip(names))
    ring()


def ring() -> None:
    """Say that there is work.  A lost ring costs time, never a job."""
    try:
        work.apply_async()
    except OperationalError as error:
        print(f"the relay will ring instead: {error}", file=sys.stderr)


@app.task(name="jobs.work", expires=60)  # type: ignore[untyped-decorator]  # Celery has no types
def work() -> None:
    """Do jobs that no other worker is doing, and ring for the rest."""
    claim = "SELECT id, name FROM jobs WHERE done_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
    close = "UPDATE jobs SET answer = %s, done_at = now() WHERE id = %s"
    with transaction() as cursor:
        cursor.execute(claim, [BATCH])
        jobs = cursor.fetchall()
        for key, name in jobs:
            cursor.execute(close, [name[::-1], key])
    if len(jobs) == BATCH:
        ring()


def relay() -> None:
    """Ring while jobs wait, whose messages were lost or whose worker died."""
    while True:
        if count()[0]:
            ring()
        time.sleep(RELAY_SECONDS)


def count() -> tuple[int, int]:
    """Return how many jobs wait, and how many are done."""
    with transaction() as cursor:
        cursor.execute("SELECT count(*) - count(done_at), count(done_at) FROM jobs")
        ((waiting, done),) = cursor.fetchall()
        return waiting, done


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["submit", number]:
            submit(*(f"job {n}" for n in range(int(number))))
        case ["count"]:
            print(*count())
        case [("create" | "relay") as command]:
            {"create": create, "relay": relay}[command]()
        case ["-h" | "--help"]:
            print(__doc__)
        case _:
            sys.exit(__doc__)
