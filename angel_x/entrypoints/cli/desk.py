"""The command ``angel-x desk``."""

from __future__ import annotations

import os

import click

from angel_x.adapters.children.listening import reachable
from angel_x.adapters.installation import is_desk_installed
from angel_x.entrypoints.desk import login_link
from angel_x.entrypoints.up.preparation import KEY_FILE
from config.loading import load


@click.command()
@click.option("--link", is_flag=True, help="Print a link that logs in the demo account once.")
def desk(*, link: bool) -> None:
    """Serve the desk, a page for traders and operators."""
    settings = load(os.environ)
    if link:
        token = login_link.make(settings.home_path, KEY_FILE)
        host = reachable(settings.api_host)
        click.echo(f"http://{host}:{settings.desk_port}{login_link.PATH}/{token}")
        return
    if not is_desk_installed():
        raise click.ClickException("the desk is not installed: pip install 'angel-x[desk]'")
    from angel_x.entrypoints.desk import server  # noqa: PLC0415 - needed by this process only

    server.run(settings)
