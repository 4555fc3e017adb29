"""PostgreSQL of one home: its cluster, its settings, and its readiness."""

from __future__ import annotations

import shutil
import signal
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2

from angel_x.adapters.children.aside import clear_for_file
from angel_x.adapters.children.guardian import Preparation, ServerPlan
from angel_x.adapters.home_files import write_whole
from angel_x.adapters.servers.account import SystemUser, own_name
from angel_x.adapters.servers.binaries import PostgresBinaries
from angel_x.adapters.servers.places import POSTGRES_SOCKET, PRIVATE, Places, own_directory
from angel_x.adapters.servers.urls import socket_database_url

DATABASE = "angelx"
ROLE = "angelx"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "random_page_cost": "1.1",  # an SSD, or memory
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "jit": "off",  # compiling costs more than our short statements take
    "log_min_duration_statement": "200",
    "log_lock_waits": "on",
    "deadlock_timeout": "500ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

#: For tests: commits survive a killed process, but not a power cut, and all shared memory is in files of
#: the cluster, which end with it: segments elsewhere outlive a killed server.
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",
}

#: A fast shutdown, then one without a checkpoint, then force.
STOP = [(signal.SIGINT, 20.0), (signal.SIGQUIT, 7.0), (signal.SIGKILL, 5.0)]


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster with one superuser role, which only the user of this process can use."""

    places: Places
    binaries: PostgresBinaries
    account: SystemUser | None
    durable: bool

    @property
    def name(self) -> str:
        return "postgres"

    @property
    def url(self) -> str:
        return socket_database_url(self.places.postgres_sockets, DATABASE, ROLE)

    @property
    def data(self) -> Path:
        return self.places.postgres / "data"

    def plan(self) -> ServerPlan:
        """Write the configuration, remove files of a killed server, and return the plan of the start."""
        self._write_access_rules()
        self._clear_stale_pid()
        settings = self._settings().items()
        options = [part for name, value in settings for part in ("-c", f"{name}={value}")]
        return ServerPlan(
            name=self.name,
            argv=[str(self.binaries.server), "-D", str(self.data), *options],
            preparation=None if (self.data / "PG_VERSION").exists() else self._initialization(),
            account=(self.account.uid, self.account.gid) if self.account else None,
            log=str(self.places.log(self.name)),
            # Its files are the truth.
            expendable=[],
            # Immediate shutdown: it needs no second signal, and every start includes recovery.
            death_signal=signal.SIGQUIT,
            stop=[(int(signum), grace) for signum, grace in STOP],
        )

    def refusal(self) -> str | None:
        """Connect, and create the database on first use; return the fault, None if it is ready."""
        try:
            self._ensure_database()
        except psycopg2.OperationalError as error:
            return str(error).strip()
        return None

    def _ensure_database(self) -> None:
        connection = psycopg2.connect(
            host=str(self.places.postgres_sockets), user=ROLE, dbname="postgres", connect_timeout=5
        )
        with closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")

    def _settings(self) -> dict[str, str]:
        quoted = str(self.places.postgres_sockets).replace('"', '""')
        return {
            **SETTINGS,
            **({} if self.durable else NOT_DURABLE),
            "unix_socket_directories": f'"{quoted}"',
            "hba_file": str(self.places.postgres / "pg_hba.conf"),
            "ident_file": str(self.places.postgres / "pg_ident.conf"),
        }

    def _initialization(self) -> Preparation:
        """Plan an ``initdb`` that leaves either a whole cluster or none."""
        draft = self.places.postgres / "data.new"
        if draft.exists():
            shutil.rmtree(draft)
        own_directory(draft, PRIVATE, self.account)
        options = ["--username", ROLE, "--encoding", "UTF8", "--no-locale", "--auth", "peer"]
        return Preparation(
            argv=[
                str(self.binaries.initdb),
                *("-D", str(draft)),
                *options,
                *([] if self.durable else ["--no-sync"]),
            ],
            made=str(draft),
            final=str(self.data),
        )

    def _write_access_rules(self) -> None:
        """Allow only the user of this process, by the kernel's peer credentials of the socket."""
        rules = {
            "pg_hba.conf": "local all all peer map=owner\n",
            "pg_ident.conf": f'owner "{own_name()}" {ROLE}\n',
        }
        for name, text in rules.items():
            write_whole(self.places.postgres / name, text, 0o644 if self.account else 0o600)

    def _clear_stale_pid(self) -> None:
        """Remove the pid files of a killed server, whose id another process may have now."""
        for path in (
            self.data / "postmaster.pid",
            self.places.postgres_sockets / ".s.PGSQL.5432.lock",
        ):
            clear_for_file(path)
            if path.exists() and not self._is_our_server(path):
                path.unlink()
        clear_for_file(self.places.postgres_sockets / POSTGRES_SOCKET)

    def _is_our_server(self, pid_file: Path) -> bool:
        try:
            pid = int(pid_file.read_bytes().split()[0])
        except (ValueError, IndexError):
            # Damaged; the claim on this home shows that no server of it runs.
            return False
        try:
            return Path(psutil.Process(pid).cwd()).samefile(self.data)
        except (psutil.Error, OSError):
            # Ended, or of another user and so not ours.
            return False
