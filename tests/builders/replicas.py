"""Two PostgreSQL of one cluster: a primary, and its synchronous standby."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from angel_x.adapters.servers.account import SystemUser, stand_in
from angel_x.adapters.servers.binaries import PostgresBinaries, find_postgres, within_reach
from tests.builders.ports import free_port
from tests.e2e.processes import eventually
from tests.plugins.runs import memory_folder

_ROLE = "angelx"
_STANDBY = "standby"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    # The machine keeps running, so what a killed server wrote is there.
    "fsync": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
}


@dataclass
class Replica:
    """One of the two servers."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{_ROLE}@127.0.0.1:{self.port}/postgres"

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url, connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(question)
                return list(cursor.fetchall()) if cursor.description else []

    def answers(self) -> bool:
        with suppress(psycopg2.Error):
            return self.ask("SELECT 1") == [(1,)]
        return False

    def signal(self, number: signal.Signals) -> None:
        """Signal the server with all of its processes: each leads a group of its own."""
        assert self.process is not None
        for pid in _processes(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End the server at once; a second call does nothing."""
        if self.process is None:
            return
        self.signal(signal.SIGKILL)
        self.process.wait(60)
        self.process = None


@dataclass
class Replicas:
    """The cluster."""

    folder: Path
    account: SystemUser | None
    binaries: PostgresBinaries
    primary: Replica
    standby: Replica
    #: The owner of the client programs, which may be out of reach for the account of the servers.
    programs: Path = field(default_factory=lambda: find_postgres().directory)

    @property
    def url(self) -> str:
        """The address of the one that takes writes."""
        hosts = ",".join(f"127.0.0.1:{r.port}" for r in (self.primary, self.standby))
        return f"postgresql://{_ROLE}@{hosts}/postgres?target_session_attrs=read-write"

    def start(self) -> None:
        self._run_as_server(
            [
                *(str(self.binaries.initdb), "-D", str(self.primary.data), "--username", _ROLE),
                *("--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"),
            ]
        )
        self._launch(self.primary)
        self._copy_primary()
        self._launch(self.standby, primary_conninfo=self._conninfo())
        eventually(self._streams, "the standby streams")
        self.primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{_STANDBY}'")
        self.primary.ask("SELECT pg_reload_conf()")
        eventually(self._is_synchronous, "the primary waits for its standby")

    def promote(self) -> None:
        """Make the standby the primary."""
        assert self.standby.ask("SELECT pg_promote(true, 120)") == [(True,)]

    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.primary.port} user={_ROLE} application_name={_STANDBY}"

    def _copy_primary(self) -> None:
        subprocess.run(
            [
                *(self.programs / "pg_basebackup", "-d", self._conninfo(), "-D", self.standby.data),
                *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )
        if self.account:
            for path in (self.standby.data, *self.standby.data.rglob("*")):
                os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def _launch(self, replica: Replica, **settings: str) -> None:
        given = {**_SETTINGS, **settings, "port": str(replica.port)}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / f"{replica.data.name}.log").open("ab") as log:
            replica.process = subprocess.Popen(
                [self.binaries.server, "-D", replica.data, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity(),
            )
        eventually(replica.answers, f"{replica.data.name} answers")

    def _run_as_server(self, argv: Sequence[str]) -> None:
        subprocess.run(argv, check=True, capture_output=True, timeout=300, **self._identity())

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def _streams(self) -> bool:
        return self.primary.ask("SELECT state FROM pg_stat_replication") == [("streaming",)]

    def _is_synchronous(self) -> bool:
        return self.primary.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)]


def _processes(pid: int) -> list[int]:
    """Return a server and all of its children, the server first."""
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        return [pid, *(child.pid for child in server.children(recursive=True))]
    return []


@contextmanager
def replicated() -> Iterator[Replicas]:
    """Give a running cluster, which ends with the block."""
    account = stand_in(needed=True)
    folder = Path(tempfile.mkdtemp(prefix="replicas-", dir=memory_folder()))
    folder.chmod(0o755)
    primary, standby = (Replica(folder / name, free_port()) for name in ("primary", "standby"))
    for replica in (primary, standby):
        replica.data.mkdir(mode=0o700)
        if account:
            os.chown(replica.data, account.uid, account.gid)
    cluster = Replicas(folder, account, within_reach(find_postgres(), account), primary, standby)
    try:
        cluster.start()
        yield cluster
    finally:
        for replica in (primary, standby):
            replica.kill()
        shutil.rmtree(folder)
