"""No file of a home that can be made again stops a start, whatever is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from angel_x.adapters.children.logs import BoundedLog, LogBounds, begin_log
from angel_x.adapters.metrics import PrometheusMeter, make_meter, metrics_directory
from angel_x.adapters.metrics.files import prepare_files
from angel_x.adapters.metrics.slots import take_slot
from angel_x.adapters.servers import ServerUrls
from angel_x.adapters.servers.binaries import PostgresBinaries
from angel_x.adapters.servers.claim import HomeClaim
from angel_x.adapters.servers.places import MEMO, lay_out, open_home
from angel_x.adapters.servers.postgres import Postgres
from angel_x.adapters.servers.valkey import BROKER, Valkey
from angel_x.entrypoints import flower
from angel_x.entrypoints.up.addresses import Addresses, RunFile
from angel_x.errors import ServerUnavailable
from config.loading import RUN_FILE, load
from config.settings import SettingsError

URLS = ServerUrls(
    database_url="postgresql+psycopg2://angel@/angel?host=/s",
    broker_url="redis+socket:///b.sock?virtual_host=0",
    broker_redis_url="unix:///b.sock?db=0",
    cache_url="unix:///c.sock?db=0",
)


def write(content: bytes) -> Callable[[Path], object]:
    def damage(file: Path) -> None:
        file.write_bytes(content)

    return damage


def replace_by_directory(file: Path) -> None:
    file.unlink(missing_ok=True)
    (file / "content").mkdir(parents=True)


def forbid(file: Path) -> None:
    """Take all rights, which binds everyone except root."""
    file.touch()
    file.chmod(0o000)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": write(b""),
    "zeros": write(bytes(4096)),
    "no text": write(b"\xff\xfe" * 40),
    "cut short": write(b'{"database_url": "postg'),
    "of another version": write(b'{"version": 99, "servers": [1, 2]}'),
    "a list": write(b"[1, 2]"),
    "a directory": replace_by_directory,
    "read-only": forbid,
}


def start_system(home: Path) -> None:
    settings = load({"ANGEL_X_HOME": str(home)}, of_running=False)
    RunFile(home, Addresses.of(URLS, settings)).write({"api": 17})
    assert load({"ANGEL_X_HOME": str(home)}).database_url == URLS.database_url


def ask_for_password(home: Path) -> None:
    made = flower.password(load({"ANGEL_X_HOME": str(home)}, of_running=False))
    assert len(made) >= 8
    assert (home / flower.PASSWORD_FILE).read_text() == made


def begin_api_log(home: Path) -> None:
    log = home / "logs" / "api.log"
    begin_log(log, 5)
    opened = BoundedLog(log, LogBounds())
    opened.write(b"line\n")
    opened.close()
    assert log.read_bytes() == b"line\n"


def take_files_of_metrics(home: Path) -> None:
    directory = metrics_directory(home)
    slot = take_slot(directory, "node", "api")
    prepare_files(directory, slot.name)
    assert slot.name == "node-api-0"
    slot.release()


def plan_broker(home: Path) -> None:
    places = lay_out(open_home(home, None), None)
    plan = Valkey(places, Path("valkey-server"), "broker", BROKER, durable=True).plan()
    assert "noeviction" in Path(plan["argv"][-1]).read_text()


def plan_postgres(home: Path) -> None:
    places = lay_out(open_home(home, None), None)
    (places.postgres / "data").mkdir(exist_ok=True)
    binaries = PostgresBinaries(Path("bin"), None)
    Postgres(places, binaries, None, durable=True).plan()
    assert "peer" in (places.postgres / "pg_hba.conf").read_text()
    assert not (places.postgres / "data" / "postmaster.pid").exists()


def claim_servers(home: Path) -> None:
    with HomeClaim(open_home(home, None)):
        pass


#: What reads or writes each file of a home at a start.
USES: dict[str, Callable[[Path], None]] = {
    RUN_FILE: start_system,
    flower.PASSWORD_FILE: ask_for_password,
    "logs/api.log": begin_api_log,
    "logs/api.log.1": begin_api_log,
    "metrics/node-api-0.lock": take_files_of_metrics,
    "metrics/counter_node-api-0.db": take_files_of_metrics,
    "metrics/histogram_node-api-0.db": take_files_of_metrics,
    "servers/broker/valkey.conf": plan_broker,
    "servers/sockets/broker.sock": plan_broker,
    "servers/postgres/pg_hba.conf": plan_postgres,
    "servers/postgres/pg_ident.conf": plan_postgres,
    "servers/postgres/data/postmaster.pid": plan_postgres,
    "servers/postgres/sockets/.s.PGSQL.5432": plan_postgres,
    "servers/postgres/sockets/.s.PGSQL.5432.lock": plan_postgres,
    "servers/owner.lock": claim_servers,
    "servers/servers.lock": claim_servers,
}
#: A lock may be held under its old name, so it is never put aside: the error says what to do.
LOCKS = {"servers/owner.lock", "servers/servers.lock"}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_such_a_file_stops_no_start(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    home = tmp_path / "home"
    (home / name).parent.mkdir(parents=True, mode=0o700)
    damage(home / name)

    if name in LOCKS and damage in {replace_by_directory, *_forbidden()}:
        with pytest.raises(OSError, match=name):
            USES[name](home)
    else:
        USES[name](home)


def _forbidden() -> set[Callable[[Path], object]]:
    return set() if os.geteuid() == 0 else {forbid}


@pytest.mark.parametrize("name", ["logs", "metrics"])
def test_a_file_in_the_place_of_a_directory_stops_no_start(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no directory")

    (begin_api_log if name == "logs" else take_files_of_metrics)(tmp_path)

    assert [f.read_text() for f in tmp_path.glob(f"{name}.damaged-*")] == ["no directory"]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_process_that_is_given_every_address_does_not_read_the_run_file(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(tmp_path / RUN_FILE)
    settings = load({"ANGEL_X_HOME": str(tmp_path)}, of_running=False)
    given = Addresses.of(URLS, settings).environment({}, settings)

    assert load(given).broker_url == URLS.broker_redis_url


@pytest.mark.parametrize("name", ["empty", "zeros", "no text", "cut short", "a list"])
def test_a_command_that_needs_the_run_file_names_it_and_what_to_do(
    tmp_path: Path, name: str
) -> None:
    DAMAGE[name](tmp_path / RUN_FILE)

    with pytest.raises(SettingsError, match=r"run\.json cannot be read .*`angel-x up` again"):
        load({"ANGEL_X_HOME": str(tmp_path)})


def test_an_address_in_the_run_file_that_is_no_text_is_named_with_the_file(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps({"database_url": 5432}))

    with pytest.raises(SettingsError, match=r"run\.json cannot be read .*Expected `str`"):
        load({"ANGEL_X_HOME": str(tmp_path)})


@pytest.mark.parametrize("content", [b"", b"\xff\xff", bytes(20), b"data"])
def test_a_lost_path_of_the_database_is_never_taken_for_an_empty_database(
    tmp_path: Path, content: bytes
) -> None:
    root = open_home(tmp_path / "home", None)
    (root / MEMO).write_bytes(content)

    with pytest.raises(ServerUnavailable, match=r"postgres\.path must hold the path"):
        lay_out(root, None)


def test_an_owner_whose_lock_file_is_damaged_is_of_unknown_id(tmp_path: Path) -> None:
    root = open_home(tmp_path / "home", None)
    with HomeClaim(root):
        (root / "owner.lock").write_bytes(bytes(8))

        with pytest.raises(ServerUnavailable, match="process of unknown id runs the servers"):
            HomeClaim(root)


def test_a_process_without_room_for_its_metrics_works_without_them(
    tmp_path: Path, full_disk: AbstractContextManager[None]
) -> None:
    settings = load({"ANGEL_X_HOME": str(tmp_path)}, of_running=False)

    # The log of a test is a file as well.
    with full_disk, capture_logs() as logs:
        meter = make_meter(msgspec.structs.replace(settings, node="full"), "api")

    assert [entry["event"] for entry in logs] == ["metrics.unrecorded"]
    assert not isinstance(meter, PrometheusMeter)
