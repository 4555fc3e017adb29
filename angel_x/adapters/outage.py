"""The answers of message broker and database to a probe that has the standard library only.

A worker that takes no messages while one of them is away is not to blame, and a restart would not help.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, unquote, urlsplit

from angel_x.adapters.server_sockets import (
    PATIENCE,
    SSL_REQUEST,
    database_places,
    database_socket,
    parameter,
    redis_socket,
)
from config.addresses import SentinelAddress, is_sentinel, redis_address

#: Whole lines of the answers to ``INFO`` and to the question for a master.
_UPTIME = re.compile(rb"uptime_in_seconds:([0-9]+)\r\n")
_MASTER = re.compile(rb"\*2\r\n\$[0-9]+\r\n([^\r\n]+)\r\n\$[0-9]+\r\n([0-9]+)\r\n")


def outage(broker_url: str, database_url: str, *, settled_seconds: float) -> str | None:
    """Return which server is away, None if both answer.

    A broker that started less than ``settled_seconds`` ago counts as away: workers still connect to it.
    """
    try:
        running = _broker_seconds(broker_url)
    except (OSError, ValueError) as error:
        return f"the message broker does not answer: {error}"
    if running < settled_seconds:
        return f"the message broker started {running:g} s ago"
    try:
        _ask_database(database_url)
    except (OSError, ValueError) as error:
        return f"the database does not answer: {error}"
    return None


def _broker_seconds(url: str) -> float:
    """Return the seconds that the broker has been running.

    Raises:
        OSError: It does not answer.
        ValueError: It answers something else, or the address cannot be read.
    """
    address = redis_address(url)
    if is_sentinel(address):
        return _master_seconds(SentinelAddress.parse(address))
    parts = urlsplit(address)
    with _broker(parts) as connection:
        username, password = (unquote(word or "") for word in (parts.username, parts.password))
        return _uptime(connection, username, password)


def _master_seconds(address: SentinelAddress) -> float:
    """Ask each Sentinel until one names the master that answers."""
    failure: OSError | ValueError = ConnectionError("no Sentinel")
    for sentinel in address.hosts:
        try:
            with socket.create_connection(_master(address, sentinel), PATIENCE) as connection:
                return _uptime(connection, address.username, address.password)
        except (OSError, ValueError) as error:
            failure = error
    raise failure


def _master(address: SentinelAddress, sentinel: tuple[str, int]) -> tuple[str, int]:
    """Return host and port of the master that a Sentinel names."""
    login = _login(address.sentinel_username, address.sentinel_password)
    with socket.create_connection(sentinel, PATIENCE) as connection:
        question = f"SENTINEL GET-MASTER-ADDR-BY-NAME {_quoted(address.master)}\r\n"
        answer = _asked(connection, login + question, _MASTER)
        return answer[1].decode(), int(answer[2])


def _uptime(connection: socket.socket, username: str | None, password: str | None) -> float:
    return float(_asked(connection, f"{_login(username, password)}INFO server\r\n", _UPTIME)[1])


def _asked(connection: socket.socket, question: str, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
    """Send commands and read until an answer has the pattern.

    Raises:
        ValueError: The server refuses, or ends the connection before.
    """
    connection.sendall(question.encode())
    answer = b""
    while (found := pattern.search(answer)) is None:
        piece = connection.recv(4096)
        if not piece or answer.startswith(b"-"):
            raise ValueError((answer or b"no answer").decode("utf-8", "replace")[:200].strip())
        answer += piece
    return found


def _login(username: str | None, password: str | None) -> str:
    words = [_quoted(word) for word in (username, password) if word]
    return f"AUTH {' '.join(words)}\r\n" if password else ""


@contextmanager
def _broker(parts: SplitResult) -> Iterator[socket.socket]:
    with redis_socket(parts) as plain:
        if parts.scheme != "rediss":
            yield plain
            return
        # No secret but the broker's own password is sent, and its certificate is checked by workers.
        context = ssl.create_default_context(cafile=parameter(parts, "ssl_ca_certs"))
        with context.wrap_socket(plain, server_hostname=parts.hostname or "localhost") as secured:
            yield secured


def _ask_database(url: str) -> None:
    """Ask each host of the address until one answers.

    Raises:
        OSError: None answers.
    """
    failure: OSError = ConnectionError("no host")
    for host, port in database_places(url):
        try:
            with database_socket(host, port) as connection:
                connection.sendall(SSL_REQUEST)
                if connection.recv(1):
                    return
                failure = ConnectionError("it hangs up")
        except OSError as error:
            failure = error
    raise failure


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
