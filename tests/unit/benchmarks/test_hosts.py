from __future__ import annotations

import pytest

from benchmarks.hosts.__main__ import holds, tables
from benchmarks.hosts.network import Network
from benchmarks.hosts.relays import Urls


def load(hosts: int, trip: float, rate: float) -> dict[str, object]:
    return {
        "hosts": hosts,
        "round_trip_ms": trip,
        "measured_ms": trip + 0.3,
        "orders_per_second": rate,
        "slowest_seconds": 2.5,
        "emergency_ms": {"p50": 10.2, "p95": 20.0, "p99": 30.4, "max": 1_200.0},
    }


PROOF = {"sent": 9, "lost": 0, "undecided": 0, "traded_twice": 0, "invariants_broken": []}


def test_a_table_has_a_row_for_each_round_trip_and_a_column_for_each_number_of_hosts() -> None:
    loads = [load(1, 0.5, 400), load(1, 2.0, 200), load(2, 0.5, 1_400), load(2, 2.0, 390)]
    faults = {"a host is lost": load(2, 0.5, 300)}

    found = tables({"loads": loads, "faults": faults, "proof": PROOF}).splitlines()

    assert found[:4] == [
        "| to the servers and back | 1 host | emergency p99 | 2 hosts | emergency p99 |",
        "| --- | --- | --- | --- | --- |",
        "| 0.8 ms | 400 | 30 ms | 1,400 | 30 ms |",
        "| 2.3 ms | 200 | 30 ms | 390 | 30 ms |",
    ]
    assert found[7] == "| a host is lost | 300 | 2.5 s | 10 ms | 30 ms | 1,200 ms |"


@pytest.mark.parametrize(
    "fault",
    [{"lost": 1}, {"undecided": 1}, {"traded_twice": 1}, {"invariants_broken": ["cash"]}],
)
def test_a_run_holds_only_if_nothing_was_lost(fault: dict[str, object]) -> None:
    assert holds({"proof": PROOF})
    assert not holds({"proof": PROOF | fault})


def test_the_sockets_of_the_servers_are_read_from_their_addresses() -> None:
    urls = Urls(
        "postgresql+psycopg2://angelx@/angelx?host=%2Fhome%2Fpg",
        "unix:///home/broker.sock?db=0",
        "unix:///home/cache.sock?db=0",
    )

    assert urls.sockets() == (
        "/home/pg/.s.PGSQL.5432", "/home/broker.sock", "/home/cache.sock"
    )  # fmt: skip


def test_hosts_have_addresses_of_one_network() -> None:
    network = Network(["servers", "workers1"])

    assert [network.address(host) for host in network.hosts] == ["10.203.7.1", "10.203.7.2"]
    assert network.inside("workers1", "true")[-1] == "true"
