"""The commands `contracts load` and `contracts generate` against the servers of a system."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from angel_x.bootstrap import Application
from tests.builders.scrips import cash, master_text, option
from tests.builders.shells import Shell

Run = Callable[..., Result]

#: Far enough away not to expire while this suite is in use.
LISTED = {"expiry": "26JAN2077", "symbol": "NIFTY26JAN7724000CE"}


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    return Shell(environ, "contracts").run


def test_a_generated_universe_is_listed_and_the_same_options_change_nothing(
    run: Run, application: Application
) -> None:
    options = ("--underlyings", "9", "--expiries", "2", "--contracts", "800", "--seed", "7")
    spots = ("--spot", "NIFTY=26000", "--spot", "STOCK001=250.50")

    first = run("generate", *options, *spots, "--json")
    again = run("generate", *options, *spots, "--json")

    assert (first.exit_code, again.exit_code) == (0, 0)
    listing = json.loads(first.stdout)
    assert (listing["listed"], listing["underlyings"], listing["chains"]) == (800, 9, 20)
    assert json.loads(again.stdout) == {**listing, "unlisted": 0}
    universe = application.market.universes.current()
    assert universe.version == listing["version"]
    assert min(abs(universe.strike - 26_000)) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--spot", "NIFTY"), "must be such as NIFTY=24000, was NIFTY"),
        (("--spot", "GOLD=1"), "must be of a generated underlying, was of GOLD"),
        (("--contracts", "10"), "contracts must be at least 1204, was 10"),
        (("--underlyings", "0"), "underlyings must be from 1 to 1000, was 0"),
    ],
)
def test_options_that_make_no_universe_list_nothing(
    run: Run, application: Application, options: tuple[str, ...], message: str
) -> None:
    refused = run("generate", *options)

    assert refused.exit_code == 2
    assert message in refused.output
    assert len(application.market.universes.current()) == 0


@pytest.mark.parametrize("compressed", [False, True])
def test_a_scrip_master_is_listed_and_says_what_was_passed_over(
    run: Run, application: Application, tmp_path: Path, *, compressed: bool
) -> None:
    rows = [cash("BEL"), option(**LISTED), option(**LISTED | {"name": "BEL", "freeze_qty": ...})]
    path = tmp_path / "OpenAPIScripMaster"
    text = master_text([*rows, option(instrumenttype="FUTSTK")]).encode()
    path.write_bytes(gzip.compress(text) if compressed else text)

    told = run("load", str(path))

    assert told.exit_code == 0, told.output
    assert "2 contracts in 2 chains of 2 underlyings are listed" in told.output
    assert "Skipped: 1 futures." in told.output
    assert "Skipped: 1 other instruments." in told.output
    assert "No freeze quantity is known for 1 contracts; one lot is used." in told.output
    assert list(application.market.universes.current().symbols) == [
        "BEL_26JAN77_24000CE",
        "NIFTY_26JAN77_24000CE",
    ]


def test_a_wrong_master_lists_nothing_and_says_where_it_is_wrong(
    run: Run, application: Application, tmp_path: Path
) -> None:
    path = tmp_path / "master.json"
    path.write_text(master_text([option(**LISTED), option(**LISTED | {"lotsize": "none"})]))

    refused = run("load", str(path))

    assert refused.exit_code == 2
    assert "master.json, row 2, field lotsize" in refused.output
    assert len(application.market.universes.current()) == 0
