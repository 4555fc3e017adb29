from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.load import Load, angel_x_streams

SYMBOLS = tuple(f"C{n}" for n in range(16))


@pytest.mark.parametrize(("batch", "connections"), [(1, 1), (1, 8), (1, 64), (50, 2)])
def test_every_connection_closes_what_it_has_opened(batch: int, connections: int) -> None:
    load = Load(6400, batch, connections)
    held: Counter[tuple[int, int, object]] = Counter()
    sent = 0
    for connection, requests in enumerate(load.requests("x", 8, SYMBOLS)):
        for request in requests:
            for order in request.orders:
                place = connection, request.account, order["symbol"]
                held[place] += 1 if order["side"] == "BUY" else -1
                assert held[place] in (0, 1)
                sent += 1

    assert sent == 6400
    assert len({account for _, account, _ in held}) == 8


def test_no_two_connections_of_an_account_trade_the_same_contract() -> None:
    owners: dict[tuple[int, object], set[int]] = {}
    for connection, requests in enumerate(Load(640, 1, 64).requests("x", 8, SYMBOLS)):
        for request in requests:
            for order in request.orders:
                owners.setdefault((request.account, order["symbol"]), set()).add(connection)

    assert len(owners) == 128
    assert {len(connections) for connections in owners.values()} == {1}


def test_client_order_ids_are_unique() -> None:
    requests = [r for stream in Load(640, 50, 2).requests("x", 8, SYMBOLS) for r in stream]
    ids = [order["client_order_id"] for request in requests for order in request.orders]

    assert len(set(ids)) == len(ids) == 600


def test_one_order_travels_by_itself_and_more_as_a_list() -> None:
    for batch in (1, 2):
        ((sent,),) = angel_x_streams("http://h:1", Load(batch, batch, 1), "x", ["k"], SYMBOLS)
        head, _, body = sent.partition(b"\r\n\r\n")

        assert head.startswith(b"POST /v1/orders HTTP/1.1\r\nHost: h:1\r\n")
        assert b"\r\nAuthorization: Bearer k" in head
        assert ("orders" in json.loads(body)) is (batch == 2)
