from __future__ import annotations

from dataclasses import dataclass, field

from angel_x.entrypoints.api.connections import Connections


@dataclass(eq=False)
class Client:
    """A connection that notes whether it had to close."""

    address: str = "10.0.0.1"
    closed: list[str] = field(default_factory=list)

    def give_way(self) -> None:
        self.closed.append("closed")


def test_connections_are_bounded_in_all_and_by_address() -> None:
    places = Connections(most=3, most_by_address=2)
    mine, others = [Client() for _ in range(3)], [Client("10.0.0.2") for _ in range(2)]

    admitted = []
    for client in (*mine, *others):
        admitted.append(places.admit(client))
        places.heard(client)

    assert admitted == [True, True, False, True, False]


def test_a_place_that_is_given_up_is_free_again() -> None:
    places = Connections(most=1, most_by_address=1)
    first = Client()
    assert places.admit(first)
    places.heard(first)
    assert not places.admit(Client())

    places.leave(first)

    assert places.admit(Client("10.0.0.2"))


def test_the_oldest_connection_without_headers_gives_way_to_a_new_one_of_its_address() -> None:
    places = Connections(most=9, most_by_address=2)
    oldest, newer = Client(), Client()
    assert places.admit(oldest)
    assert places.admit(newer)

    assert places.admit(Client())

    assert (oldest.closed, newer.closed) == (["closed"], [])


def test_a_connection_whose_headers_came_gives_way_to_nobody() -> None:
    places = Connections(most=9, most_by_address=1)
    heard = Client()
    assert places.admit(heard)
    places.heard(heard)

    assert not places.admit(Client())
    assert heard.closed == []


def test_the_address_with_most_connections_without_headers_gives_way_to_another_address() -> None:
    places = Connections(most=4, most_by_address=4)
    few, many = Client("10.0.0.1"), [Client("10.0.0.2") for _ in range(3)]
    for client in (few, *many):
        assert places.admit(client)

    assert places.admit(Client("10.0.0.3"))

    assert few.closed == []
    assert [client.closed for client in many] == [["closed"], [], []]
