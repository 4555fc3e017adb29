"""The schema of the database."""

from __future__ import annotations

from dataclasses import asdict

import click

from angel_x.adapters.postgres import schema, schema_plan
from angel_x.entrypoints.cli.database_engine import database_engine
from angel_x.entrypoints.cli.database_reports import explain, size, slow_queries
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.presentation.printing import print_json


@click.group()
def db() -> None:
    """The database."""


db.add_command(explain)
db.add_command(slow_queries)
db.add_command(size)


@db.command()
@click.option("--plan", is_flag=True, help="Show the statements without running them.")
@as_json
def upgrade(*, plan: bool, as_json: bool) -> None:
    """Upgrade the schema to the newest revision, while the system runs.

    A second call changes nothing.
    """
    with database_engine() as engine:
        before = schema.current_revision(engine)
        if plan:
            _show(before, schema_plan.plan(engine), as_json=as_json)
            return
        schema.upgrade(engine)
        after = schema.current_revision(engine)
    if as_json:
        print_json({"from": before, "to": after})
    else:
        click.echo(f"The schema is at {after}" + (", as before." if before == after else "."))


@db.command()
@click.argument("revision")
@click.option("--lose", multiple=True, metavar="NAME", help="Accept the loss of this data.")
@click.option("--plan", is_flag=True, help="Show what would be lost, and do nothing.")
@as_json
def downgrade(revision: str, lose: tuple[str, ...], *, plan: bool, as_json: bool) -> None:
    """Downgrade the schema to REVISION.

    Refused if data would be lost that is not named by --lose.
    """
    with database_engine() as engine:
        before, found = schema.current_revision(engine), schema_plan.losses(engine, revision)
        if not plan:
            schema_plan.check_losses(found, frozenset(lose))
            schema.downgrade(engine, revision)
        after = schema.current_revision(engine)
    if as_json:
        print_json({"from": before, "to": after, "lost": [asdict(loss) for loss in found]})
        return
    for loss in found:
        click.echo(f"{'would lose' if plan else 'lost'} {loss.name}: {loss.rows:,} rows")
    click.echo(f"The schema is at {after}.")


def _show(before: str | None, planned: list[schema_plan.Planned], *, as_json: bool) -> None:
    if as_json:
        print_json({"from": before, "revisions": [asdict(each) for each in planned]})
        return
    click.echo(f"The schema is at {before}" + ("" if planned else ", and stays there."))
    for each in planned:
        click.echo(f"{each.revision}  {each.title}")
        for statement in each.statements:
            click.echo(f"  {statement.nature:<13}  {statement.sql}")
