"""Addresses of replicas and of servers behind Sentinels."""

from __future__ import annotations

import pytest
from psycopg2.extensions import parse_dsn
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from angel_x.adapters.servers.urls import libpq_url
from config.addresses import (
    SentinelAddress,
    kombu_address,
    passwords,
    redis_address,
    sqlalchemy_address,
)


@pytest.mark.parametrize(
    ("hosts", "names", "ports"),
    [
        ("a:1,b:2", "a,b", "1,2"),
        ("a,b:2", "a,b", ",2"),
        ("[::1]:1,[::2]:2,c", "::1,::2,c", "1,2,"),
    ],
)
def test_sqlalchemy_and_libpq_read_the_same_hosts(hosts: str, names: str, ports: str) -> None:
    address = sqlalchemy_address(f"postgres://u:p%40w@{hosts}/d?sslmode=require")

    dialect = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
    _, driver = dialect.create_connect_args(make_url(address))  # type: ignore[no-untyped-call]
    libpq = parse_dsn(libpq_url(address))

    for read in (driver, libpq):
        assert (read["host"], str(read["port"])) == (names, ports)
        assert (read["user"], read["password"], read["dbname"]) == ("u", "p@w", "d")
        assert (read["sslmode"], read["target_session_attrs"]) == ("require", "read-write")


def test_a_wish_for_a_server_is_kept() -> None:
    address = sqlalchemy_address("postgresql://a,b/d?target_session_attrs=primary")

    assert address.endswith("target_session_attrs=primary")
    assert sqlalchemy_address(address) == address


@pytest.mark.parametrize(("given", "read"), [("valkey", "redis"), ("valkeys", "rediss")])
def test_an_address_of_valkey_is_one_of_redis(given: str, read: str) -> None:
    assert redis_address(f"{given}://:p@h:1/2") == f"{read}://:p@h:1/2"


def test_sentinels_are_read_with_their_master_and_both_passwords() -> None:
    url = "sentinel://u:1st@h1:1,h2/3?master=m&sentinel_username=s&sentinel_password=2nd"

    address = SentinelAddress.parse(redis_address(url))

    assert address.hosts == (("h1", 1), ("h2", 26379))
    assert (address.master, address.database) == ("m", 3)
    assert (address.username, address.password) == ("u", "1st")
    assert address.sentinel_options == {"username": "s", "password": "2nd"}
    assert passwords(url) == ("u:1st".partition(":")[2], "2nd")


def test_sentinels_without_a_password_have_none() -> None:
    address = SentinelAddress.parse("sentinel://h1,h2?master=m")

    assert (address.username, address.password, address.sentinel_options) == (None, None, {})
    assert kombu_address("sentinel://h1?master=m") == "sentinel://h1:26379/0"


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://h1,h2/0",
        "sentinel:///0?master=m",
        "sentinel://h1:x/0?master=m",
        "sentinel://h1/db?master=m",
        "sentinel://:p@ss@h1/0?master=m",
    ],
)
def test_an_address_of_sentinels_that_cannot_be_read_is_refused_without_quoting_it(
    url: str,
) -> None:
    with pytest.raises(ValueError, match="Expected Sentinels and their master") as refusal:
        redis_address(url)

    assert "p@ss" not in str(refusal.value)
