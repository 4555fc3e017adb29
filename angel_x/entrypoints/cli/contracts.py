"""Which contracts are listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from angel_x.domain.contracts.universe_generator import UniversePlan
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import console_for_people, print_json, show
from angel_x.errors import InvalidInput
from angel_x.services.market.contracts import Listing
from angel_x.services.market.contracts import Progress as Told

_PLAN = UniversePlan()


@click.group()
def contracts() -> None:
    """The contract table."""


@contracts.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--generate", is_flag=True, help="List a chain of NIFTY made by the rules.")
@as_json
def load(file: Path | None, *, generate: bool, as_json: bool) -> None:
    """List the contracts of FILE, and no others.

    FILE is a recorded chain (CSV) or Angel One's scrip master (JSON), plain or compressed with
    gzip.  Options on stocks are priced and shown; orders in them are refused.  A simulated market
    goes on with the new contracts; a feed that replays another recording, with that one's only.
    """
    if (file is None) is not generate:
        raise InvalidInput("either a file of contracts or --generate is needed, and not both")
    with application() as app:
        if file is None:
            listing = app.market.contracts.load_generated()
        else:
            try:
                with _bar() as progress:
                    listing = app.market.contracts.load_file(file, progress)
            except OSError as error:
                raise InvalidInput(f"the file cannot be read: {error}") from error
    _print(listing, as_json=as_json)


def _spots(
    _context: click.Context, _parameter: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, Decimal]:
    spots = {}
    for pair in pairs:
        name, _, amount = pair.partition("=")
        try:
            spots[name] = Decimal(amount)
        except InvalidOperation as error:
            raise click.BadParameter(f"must be such as NIFTY=24000, was {pair}") from error
    return spots


@contracts.command()
@click.option("--underlyings", default=_PLAN.underlyings, show_default=True, help="How many.")
@click.option(
    "--expiries",
    default=_PLAN.expiries,
    show_default=True,
    help="Of each underlying; one with weekly contracts has a monthly one more.",
)
@click.option(
    "--contracts", "count", default=_PLAN.contracts, show_default=True, help="How many in all."
)
@click.option("--seed", default=_PLAN.seed, show_default=True, help="What chance is drawn from.")
@click.option(
    "--spot",
    "spots",
    multiple=True,
    callback=_spots,
    metavar="NAME=RUPEES",
    help="Where an underlying stands; may be repeated.",
)
@as_json
def generate(
    underlyings: int,
    expiries: int,
    count: int,
    seed: int,
    spots: dict[str, Decimal],
    *,
    as_json: bool,
) -> None:
    """List a universe made by the rules, and no other contracts.

    The indices come first, then stocks that do not exist.  The same options on the same day make
    the same contracts.  A simulated market goes on with them.
    """
    plan = UniversePlan(underlyings, expiries, count, seed, spots)
    with application() as app:
        listing = app.market.contracts.load_universe(plan)
    _print(listing, as_json=as_json)


@contextmanager
def _bar() -> Iterator[Told]:
    """Show how much of a file is read, to people who watch."""
    console = console_for_people(stderr=True)
    columns = TextColumn("reading"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(listing: Listing, *, as_json: bool) -> None:
    if as_json:
        print_json(listing)
        return
    show(
        f"{grouped(listing.listed)} contracts in {grouped(listing.chains)} chains of "
        f"{grouped(listing.underlyings)} underlyings are listed, "
        f"{grouped(listing.unlisted)} are no more.  Version {listing.version}."
    )
    for kind, rows in sorted(listing.passed_over.items()):
        show(f"Passed over: {grouped(rows)} {kind.replace('_', ' ')}.")
    if listing.without_freeze:
        show(
            f"No freeze quantity is known of {grouped(listing.without_freeze)} contracts; "
            "one lot stands in."
        )
