"""What the proxy does to connections, seen from both of their ends."""

from __future__ import annotations

import gc
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from math import inf
from pathlib import Path

import pytest

from angel_x.rehearsal.chaos.cut import Point
from angel_x.rehearsal.chaos.proxy import Address, Proxy

PATIENCE = 120.0


class Server:
    """Answers each chunk with what ``reply`` makes of it, and remembers what it heard."""

    def __init__(self, address: Address, reply: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self._reply = reply
        tree = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
        self._socket = socket.socket(tree)
        self._socket.bind(str(address) if isinstance(address, Path) else address)
        self._socket.listen()
        self.address = address if isinstance(address, Path) else self._socket.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while chunk := connection.recv(65536):
                self.heard += chunk
                connection.sendall(self._reply(chunk))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with closing(Server(tmp_path / "server", lambda chunk: b"re:" + chunk)) as made:
        yield made


@pytest.fixture
def proxy(server: Server, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(tmp_path / "proxy", server.address) as made:
        yield made


def connected(proxy: Proxy) -> socket.socket:
    assert isinstance(proxy.listen, Path)
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(PATIENCE)
    made.connect(str(proxy.listen))
    return made


def test_what_no_cut_waits_for_passes_in_both_directions(proxy: Proxy, server: Server) -> None:
    with connected(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"re:hello"

    assert server.heard == b"hello"
    assert proxy.count.connections == 1
    assert proxy.count.cut == 0


def test_a_request_that_is_cut_never_reaches_the_server(proxy: Proxy, server: Server) -> None:
    cut = proxy.arm(b"PUSH", Point.REQUEST)

    with connected(proxy) as client:
        client.sendall(b"PUSH it")
        assert client.recv(100) == b""

    assert cut.wait(PATIENCE)
    assert cut.lost == b"PUSH it"
    assert server.heard == b""


def test_a_reply_that_is_cut_was_given_and_never_arrives(proxy: Proxy, server: Server) -> None:
    cut = proxy.arm(b"re:PO", Point.REPLY)

    with connected(proxy) as client:
        client.sendall(b"POP")
        assert client.recv(100) == b""

    assert cut.wait(PATIENCE)
    assert cut.lost == b"re:POP"
    assert server.heard == b"POP"


def test_the_reply_to_a_request_is_cut_whatever_it_says(proxy: Proxy, server: Server) -> None:
    cut = proxy.arm(b"COMMIT", Point.REPLY_TO)

    with connected(proxy) as other, connected(proxy) as client:
        client.sendall(b"COMMIT")
        assert client.recv(100) == b""
        other.sendall(b"BEGIN")
        assert other.recv(100) == b"re:BEGIN"

    assert cut.is_done
    assert b"COMMIT" in server.heard


def test_the_nth_occurrence_is_cut_and_those_before_it_pass(proxy: Proxy) -> None:
    cut = proxy.arm(b"x", Point.REQUEST, nth=3)

    with connected(proxy) as client:
        for _ in range(2):
            client.sendall(b"x")
            assert client.recv(100) == b"re:x"
            assert not cut.is_done
        client.sendall(b"x")
        assert client.recv(100) == b""

    assert cut.is_done


def test_a_pattern_is_found_across_two_chunks(proxy: Proxy, server: Server) -> None:
    cut = proxy.arm(b"COMMIT", Point.REQUEST)

    with connected(proxy) as client:
        client.sendall(b"COM")
        assert client.recv(100) == b"re:COM"
        client.sendall(b"MIT")
        assert client.recv(100) == b""

    assert cut.is_done
    assert server.heard == b"COM"


def test_a_cut_that_was_disarmed_lets_its_bytes_pass(proxy: Proxy) -> None:
    cut = proxy.arm(b"hello", Point.REQUEST)
    proxy.disarm(cut)

    with connected(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"re:hello"

    assert not cut.is_done


def test_what_was_held_arrives_late_and_in_order(proxy: Proxy, server: Server) -> None:
    with connected(proxy) as client:
        client.sendall(b"before")
        assert client.recv(100) == b"re:before"
        proxy.hold()
        client.sendall(b"one")
        client.sendall(b"two")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert server.heard == b"before"

        proxy.release()

        client.settimeout(PATIENCE)
        assert client.recv(100).startswith(b"re:one")
    assert proxy.count.held_bytes >= 3
    assert server.heard == b"beforeonetwo"


def test_who_connects_while_refused_is_hung_up_on(proxy: Proxy, server: Server) -> None:
    proxy.refuse(refuses=True)
    with connected(proxy) as client:
        assert client.recv(100) == b""
    assert proxy.count.refused == 1
    assert server.heard == b""

    proxy.refuse(refuses=False)
    with connected(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"re:hello"


def test_delayed_bytes_arrive_in_order(proxy: Proxy) -> None:
    proxy.delay(0.05)
    with connected(proxy) as client:
        received = b""
        for letter in (b"a", b"b", b"c", b"d"):
            client.sendall(letter)
        while b"d" not in received:
            received += client.recv(100)

    assert received.replace(b"re:", b"") == b"abcd"
    assert proxy.count.delayed_chunks > 0


def test_a_delay_may_be_shorter_than_a_millisecond(proxy: Proxy) -> None:
    each_way = 0.00025
    proxy.delay(each_way)
    deadline = time.monotonic() + PATIENCE
    with connected(proxy) as client:
        fastest = inf
        # A kernel's wait of whole milliseconds would make two of each round trip.
        while fastest > 0.0015:
            assert time.monotonic() < deadline, fastest
            started = time.monotonic()
            client.sendall(b"hello")
            assert client.recv(100) == b"re:hello"
            fastest = min(fastest, time.monotonic() - started)

    assert fastest > 2 * each_way


def test_a_long_delay_is_kept_too(proxy: Proxy) -> None:
    proxy.delay(0.02)
    with connected(proxy) as client:
        started = time.monotonic()
        client.sendall(b"hello")
        assert client.recv(100) == b"re:hello"

    assert time.monotonic() - started > 0.04


def test_a_peer_that_is_gone_would_be_noticed() -> None:
    with (
        closing(Server(("127.0.0.1", 0), lambda chunk: chunk)) as server,
        Proxy(("127.0.0.1", 0), server.address) as proxy,
        closing(socket.create_connection(proxy.listen, PATIENCE)) as client,  # type: ignore[arg-type]
    ):
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        ends = [end._transport.get_extra_info("socket") for end in proxy._ends if end._transport]

        assert len(ends) == 2
        for end in ends:
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


def test_cutting_all_ends_every_connection(proxy: Proxy) -> None:
    with connected(proxy) as one, connected(proxy) as two:
        for client in (one, two):
            client.sendall(b"hello")
            assert client.recv(100) == b"re:hello"

        assert proxy.cut_all() == 2

        for client in (one, two):
            assert client.recv(100) == b""


def test_a_server_that_is_away_ends_the_connection(tmp_path: Path) -> None:
    with (
        Proxy(tmp_path / "proxy", tmp_path / "nobody") as proxy,
        connected(proxy) as client,
    ):
        assert client.recv(100) == b""


def test_a_tcp_port_can_stand_before_a_tcp_port() -> None:
    with (
        closing(Server(("127.0.0.1", 0), lambda chunk: chunk)) as server,
        Proxy(("127.0.0.1", 0), server.address) as proxy,
        closing(socket.create_connection(proxy.listen, PATIENCE)) as client,  # type: ignore[arg-type]  # a port here
    ):
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "proxy", tmp_path / "nobody")
    proxy.open()
    proxy.close()
    proxy.close()
    assert not (tmp_path / "proxy").exists()


def test_a_large_reply_passes_whole(tmp_path: Path) -> None:
    size = 5_000_000
    with (
        closing(Server(tmp_path / "server", lambda _: b"x" * size)) as server,
        Proxy(tmp_path / "proxy", server.address) as proxy,
        connected(proxy) as client,
    ):
        client.sendall(b"all")
        received = 0
        while received < size:
            received += len(client.recv(1_000_000))
    assert received == size


def test_a_closed_proxy_leaves_no_connection_open(server: Server, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        proxy = Proxy(tmp_path / "way", server.address)
        proxy.open()
        clients = [connected(proxy)]
        clients[0].sendall(b"hello")
        assert clients[0].recv(100) == b"re:hello"
        # Some of these are being made when it closes.
        clients += [connected(proxy) for _ in range(20)]

        proxy.close()
        del proxy
        gc.collect()

        for client in clients:
            with client, suppress(ConnectionError):
                assert client.recv(100) == b""
    assert [text for each in told if "unclosed" in (text := str(each.message))] == []
