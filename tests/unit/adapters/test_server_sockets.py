from __future__ import annotations

import pytest

from angel_x.adapters.server_sockets import database_places
from config.addresses import sqlalchemy_address


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("postgresql://u:p%40w@db.example/d?sslmode=verify-full", [("db.example", 5432)]),
        ("postgresql://u@db.example:6000/d", [("db.example", 6000)]),
        ("postgresql://u@one:6000,two/d", [("one", 6000), ("two", 5432)]),
        (sqlalchemy_address("postgresql://u@one:6000,two:6001/d"), [("one", 6000), ("two", 6001)]),
        ("postgresql:///d?host=one,two&port=6000", [("one", 6000), ("two", 6000)]),
        ("postgresql://u@/d?host=/run/postgresql&port=6000", [("/run/postgresql", 6000)]),
        ("postgresql:///d", [("localhost", 5432)]),
    ],
)
def test_each_server_of_an_address_has_its_host_and_port(
    url: str, places: list[tuple[str, int]]
) -> None:
    assert list(database_places(url)) == places
