"""The task of every rival: one order, one transaction, one commit."""

from __future__ import annotations

import os
import pickle
import threading
from functools import cache
from pathlib import Path

import psycopg2

from benchmarks.bare.books import Books
from benchmarks.bare.written import Written

DATABASE_URL = "RIVAL_DATABASE_URL"
BROKER_URL = "RIVAL_BROKER_URL"
ROWS = "RIVAL_ROWS"

_local = threading.local()


def book(order_id: int) -> None:
    """Store, claim and book an order, on a connection of this thread's own."""
    connection, books = _opened()
    with connection:
        books.store([order_id])
        books.book(books.claim([order_id]))


def order_ids() -> list[int]:
    """Return the orders of the load in the order in which they were accepted."""
    place = _written().columns["orders"].names.index("id")
    return [row[place] for row in _written().orders]


def _opened() -> tuple[psycopg2.extensions.connection, Books]:
    if not hasattr(_local, "opened"):
        connection = psycopg2.connect(os.environ[DATABASE_URL])
        _local.opened = connection, Books(connection, _written())
    opened: tuple[psycopg2.extensions.connection, Books] = _local.opened
    return opened


@cache
def _written() -> Written:
    written = pickle.loads(Path(os.environ[ROWS]).read_bytes())
    assert isinstance(written, Written)
    return written
