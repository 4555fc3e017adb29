"""The schema of the database."""

from __future__ import annotations

import os

import click
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.presentation.printing import print_json
from angel_x.errors import ServerUnavailable
from config.settings import load


@click.group()
def db() -> None:
    """The database."""


@db.command()
@as_json
def upgrade(*, as_json: bool) -> None:
    """Upgrade the schema to the newest revision; a second call changes nothing."""
    settings = load(os.environ)
    engine = make_engine(
        settings.needed("database_url"),
        pool_size=1,
        max_pool_size=1,
        pools_transactions=settings.pools_transactions,
    )
    try:
        before = schema.current_revision(engine)
        schema.upgrade(engine)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise ServerUnavailable(f"the database does not answer: {reason}") from error
    finally:
        engine.dispose()
    after = schema.head_revision()
    if as_json:
        print_json({"from": before, "to": after})
    else:
        click.echo(f"The schema is at {after}" + (", as before." if before == after else "."))
