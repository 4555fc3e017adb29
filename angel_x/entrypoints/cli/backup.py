"""Commands that back the database up and restore it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import psycopg2
import redis

from angel_x.adapters.backup.description import Description
from angel_x.adapters.backup.restoring import Restored
from angel_x.adapters.backup.restoring import restore as restore_backup
from angel_x.adapters.backup.taking import take
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.invariants import Invariants
from angel_x.adapters.servers import ServerUrls, start_servers
from angel_x.adapters.servers.places import servers_root
from angel_x.domain.operations.invariant import Invariant
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.presentation.printing import print_json
from angel_x.entrypoints.presentation.progress import working
from angel_x.errors import ServerUnavailable
from config.loading import load
from config.settings import Settings

#: The books are checked as they are: whether orders have ended in time depends on what ran since.
_NO_TIME = datetime(1, 1, 2, tzinfo=UTC)


@click.command()
@click.argument("destination", required=False, type=click.Path(path_type=Path))
@as_json
def backup(destination: Path | None, *, as_json: bool) -> None:
    """Write a verified backup of the database to DESTINATION, by default into the home.

    DESTINATION is a new file, or a directory.  The system may run meanwhile.
    """
    settings = load(os.environ)
    if settings.database_url is None and not servers_root(settings.home_path).exists():
        raise ServerUnavailable(
            f"there is no database in {settings.home_path.absolute()}: name its home with ANGEL_X_HOME"
        )
    os.nice(settings.bulk_niceness)
    file = _file_of(destination or settings.home_path / "backups", wall_clock())
    with _answering(), _database(settings) as url, working("the backup is written and verified"):
        taken = take(url, file, actor=actor(), clock=wall_clock)
    if as_json:
        print_json({**msgspec.to_builtins(taken), "file": str(file)})
    else:
        click.echo(f"{file}: {_size(taken)}, verified, sha256 {taken.sha256}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Drop what the database holds now.")
@as_json
def restore(file: Path, *, replace: bool, as_json: bool) -> None:
    """Restore the backup FILE into the database of a system that is stopped.

    It is upgraded to this release, and its books are checked.
    """
    settings = load(os.environ, of_running=False)
    with _answering(), _database(settings, flushed=True) as url, working("the backup is restored"):
        restored = restore_backup(url, file, replace=replace)
        books = _upgraded_books(url)
    broken = [each for each in books if not each.holds]
    _report(file, restored, broken, as_json=as_json)
    if broken:
        raise click.exceptions.Exit(1)


def _file_of(destination: Path, now: datetime) -> Path:
    is_directory = destination.is_dir() or destination.name == "backups"
    return destination / f"angel-x-{now:%Y%m%dT%H%M%SZ}.dump" if is_directory else destination


@contextmanager
def _database(settings: Settings, *, flushed: bool = False) -> Iterator[str]:
    """Give the address of the database; that of a home is started where it does not run.

    With ``flushed`` messages and cached values of the home are removed: they belong to other data.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with start_servers(settings.home_path, database_url=None, redis_url=None) as running:
        yield running.urls.database_url
        if flushed:
            _flush(running.urls)


def _flush(urls: ServerUrls) -> None:
    for url in (urls.broker_redis_url, urls.cache_url):
        with closing(redis.Redis.from_url(url)) as client:
            client.flushall()


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise ServerUnavailable(f"the database does not answer: {reason}") from error


def _upgraded_books(url: str) -> list[Invariant]:
    engine = make_engine(url, pool_size=1, max_pool_size=1)
    try:
        schema.upgrade(engine)
        return Invariants(engine).check(_NO_TIME)
    finally:
        engine.dispose()


def _report(file: Path, restored: Restored, broken: list[Invariant], *, as_json: bool) -> None:
    taken = restored.description
    if as_json:
        print_json(
            {
                "file": str(file),
                "taken_at": taken.taken_at,
                "replaced": restored.replaced,
                "revision": {"from": taken.revision, "to": schema.head_revision()},
                "rows": taken.rows,
                "broken": [{"name": each.name, "example": each.example} for each in broken],
            }
        )
        return
    click.echo(f"{file} of {taken.taken_at:%d %b %Y %H:%M} UTC is restored: {_size(taken)}")
    for each in broken:
        click.echo(f"BROKEN: {each.rule}, such as {each.example}")
    if not broken:
        click.echo("Every invariant of the books holds.")


def _size(taken: Description) -> str:
    return f"{sum(taken.rows.values()):,} rows, {taken.bytes:,} bytes, schema {taken.revision}"
