"""The benchmark of pages of an account, on few rows."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from angel_x.adapters.servers.urls import libpq_url
from benchmarks.account_pages import PAGES, fill, measure
from benchmarks.matching import listed_universe
from benchmarks.tables import account_pages_table
from config.loading import load
from tests.integration.api.running import running


def test_every_page_holds_the_rows_of_its_name(environ: dict[str, str]) -> None:
    settings = load(environ)
    with running(settings) as api:
        keys = [api.open_account(f"pages{n}")[1] for n in range(2)]
        symbols = listed_universe(api.application).symbols[:20]
        with closing(psycopg2.connect(libpq_url(settings.database_url or ""))) as database:
            database.autocommit = True
            fill(database, symbols, rows=2_400, accounts=2)
        lengths = {}
        for name, path in PAGES.items():
            (rows,) = [
                v for v in api.call("GET", path, key=keys[1]).body.values() if isinstance(v, list)
            ]
            lengths[name] = len(rows)
        pages = measure(api.url, keys, requests=3)

    assert lengths == {name: int(name.split()[0].replace(",", "")) for name in PAGES}
    assert len(account_pages_table({"pages": pages}).splitlines()) == 2 + len(PAGES)
