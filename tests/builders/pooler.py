"""A pooler of transactions before PostgreSQL: as strict as pgbouncer, and with a new session each time.

Two transactions of one client never meet the same session in a row, so nothing that a session keeps can
be relied on.  With ``PGBOUNCER`` in the environment that program takes its place.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from angel_x.adapters.servers.account import stand_in
from angel_x.adapters.servers.places import POSTGRES_SOCKET
from tests.builders.breaking import breaking
from tests.builders.ports import free_port
from tests.e2e.processes import eventually

#: The start-up parameters that pgbouncer takes.
_KNOWN = {
    *("user", "database", "client_encoding", "datestyle", "timezone"),
    *("standard_conforming_strings", "application_name"),
}
_SSL_REQUEST, _CANCEL_REQUEST = 80877103, 80877102
_SESSIONS = 3


class Pooler:
    """Gives each transaction the session that was idle for the longest time."""

    def __init__(self, server: Path, database: str, role: str) -> None:
        self._server = server
        self._start = {"user": role, "database": database}
        self._sessions: deque[socket.socket] = deque()
        self._free = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        #: Sessions that transactions were given to, in order.
        self.given: list[int] = []
        for _ in range(_SESSIONS):
            self._release(self._session())
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        # A thread that waits in accept is not woken by a close.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self._sessions:
            session.close()

    def _session(self) -> socket.socket:
        session = socket.socket(socket.AF_UNIX)
        session.connect(str(self._server))
        pairs = b"".join(f"{k}\0{v}\0".encode() for k, v in self._start.items())
        session.sendall(struct.pack("!ii", len(pairs) + 9, 196608) + pairs + b"\0")
        while _message(session)[:1] != b"Z":
            pass
        return session

    def _release(self, session: socket.socket) -> None:
        self._sessions.append(session)
        self._free.release()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client: socket.socket) -> None:
        with closing(client), suppress(ConnectionError, OSError):
            if self._welcome(client):
                while self._transaction(client):
                    pass

    def _welcome(self, client: socket.socket) -> bool:
        (length, code) = struct.unpack("!ii", _exactly(client, 8))
        rest = _exactly(client, length - 8)
        if code == _SSL_REQUEST:
            client.sendall(b"N")
            return self._welcome(client)
        if code == _CANCEL_REQUEST:
            return False
        names = rest.rstrip(b"\0").split(b"\0")[::2]
        if unknown := {name.decode() for name in names} - _KNOWN:
            client.sendall(_refusal(f"unsupported startup parameter: {', '.join(unknown)}"))
            return False
        status = b"".join(_framed(b"S", f"{k}\0{v}\0".encode()) for k, v in _STATUS.items())
        client.sendall(
            _framed(b"R", struct.pack("!i", 0))
            + status
            + _framed(b"K", struct.pack("!ii", 1, 1))
            + _framed(b"Z", b"I")
        )
        return True

    def _transaction(self, client: socket.socket) -> bool:
        """Pass one transaction on; return False at the end of the connection."""
        request = _message(client)
        if request[:1] == b"X":
            return False
        self._free.acquire()
        session = self._sessions.popleft()
        self.given.append(session.fileno())
        while self._answer(client, session, request) != b"I":
            request = _message(client)
            if request[:1] == b"X":
                # It leaves within a transaction, which ends with its session.
                session.close()
                self._release(self._session())
                return False
        self._release(session)
        return True

    def _answer(self, client: socket.socket, session: socket.socket, request: bytes) -> bytes:
        session.sendall(request)
        while True:
            answer = _message(session)
            client.sendall(answer)
            if answer[:1] == b"Z":
                return answer[5:6]
            if answer[:1] == b"G":
                _copy_rows(client, session)


def _copy_rows(client: socket.socket, session: socket.socket) -> None:
    """Pass on the rows of a COPY until the client is done or has failed."""
    while True:
        rows = _message(client)
        session.sendall(rows)
        if rows[:1] in {b"c", b"f"}:
            return


_STATUS = {
    "server_version": "18.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}


def _framed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def _refusal(reason: str) -> bytes:
    return _framed(b"E", f"SFATAL\0C08P01\0M{reason}\0\0".encode())


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = source.recv(size)
        if not part:
            raise ConnectionError("the other side has gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@contextmanager
def pooled(database_url: str) -> Iterator[str]:
    """Give the address of a database behind a pooler of transactions."""
    parts = urlsplit(database_url)
    (directory,) = parse_qs(parts.query)["host"]
    database, role = parts.path.strip("/"), str(parts.username)
    opened = _pgbouncer if "PGBOUNCER" in os.environ else _pooler
    with opened(Path(directory), database, role) as port:
        yield f"postgresql://{role}@127.0.0.1:{port}/{database}"


@contextmanager
def _pooler(directory: Path, database: str, role: str) -> Iterator[int]:
    with closing(Pooler(directory / POSTGRES_SOCKET, database, role)) as pooler:
        yield pooler.port


@contextmanager
def _pgbouncer(directory: Path, database: str, role: str) -> Iterator[int]:
    port = free_port()
    # It may run as another user, whom PostgreSQL does not know.
    with (
        tempfile.TemporaryDirectory() as name,
        breaking(directory / POSTGRES_SOCKET) as server,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users").write_text(f'"{role}" ""\n', encoding="utf-8")
        (folder / "ini").write_text(
            f"[databases]\n{database} = host=127.0.0.1 port={server.port} user={role}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"auth_file = {folder / 'users'}\npool_mode = transaction\ndefault_pool_size = {_SESSIONS}\n"
            "server_round_robin = 1\n",
            encoding="utf-8",
        )
        account = stand_in(needed=False)
        # Like PostgreSQL it refuses to be root.
        identity = {"user": account.uid, "group": account.gid} if account else {}
        program = subprocess.Popen(
            [os.environ["PGBOUNCER"], "--quiet", folder / "ini"],
            **identity,  # type: ignore[call-overload]
        )
        try:
            eventually(lambda: _listens(port), "pgbouncer listens")
            yield port
        finally:
            program.kill()
            program.wait(60)


def _listens(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 5)):
        return True
    return False
