from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.postgres.engine import make_engine
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from tests.builders.chains import make_universe
from tests.builders.markets import CALENDAR, RULES, factory_on

FIRST = make_universe(strikes=(24_000, 24_100))
SECOND = make_universe(strikes=(24_100, 24_200))


@pytest.fixture
def store(engine: Engine) -> SqlContracts:
    return SqlContracts(engine)


def test_what_is_listed_is_loaded_as_the_same_universe(store: SqlContracts) -> None:
    assert store.replace(FIRST).unlisted == 0

    loaded = store.load()
    assert loaded.version == FIRST.version
    assert loaded.contracts == FIRST.contracts


def test_futures_are_stored_beside_options(store: SqlContracts) -> None:
    make = factory_on(date(2026, 8, 19)).make_future
    # The second one has no options of its expiry.
    futures = [make("NIFTY", FIRST.chains[0].expiry), make("NIFTY", date(2026, 12, 29))]
    universe = Universe([*FIRST.contracts, *futures])

    assert store.replace(universe).unlisted == 0

    loaded = store.load()
    assert loaded.version == universe.version
    assert loaded.contracts == universe.contracts
    assert store.replace(FIRST).unlisted == 2


def test_contracts_that_are_not_named_again_are_unlisted_and_keep_their_row(
    store: SqlContracts, engine: Engine
) -> None:
    store.replace(FIRST)

    assert store.replace(SECOND).unlisted == 4

    assert store.load().version == SECOND.version
    with engine.connect() as connection:
        unlisted = connection.execute(text("SELECT symbol FROM contracts WHERE NOT listed"))
        assert {symbol for (symbol,) in unlisted} == set(FIRST.symbols) - set(SECOND.symbols)


SLOW = """
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER UPDATE ON contracts FOR EACH STATEMENT EXECUTE FUNCTION be_slow();
"""


def test_a_listing_may_take_longer_than_a_query(
    migrated_url: str, store: SqlContracts, engine: Engine
) -> None:
    store.replace(FIRST)
    with engine.begin() as connection:
        connection.exec_driver_sql(SLOW)
    hurried = make_engine(migrated_url, pool_size=1, max_pool_size=1, query_timeout_seconds=1)
    try:
        with pytest.raises(OperationalError, match="timeout"), hurried.begin() as connection:
            connection.execute(text("UPDATE contracts SET listed = false"))

        assert SqlContracts(hurried).replace(SECOND).unlisted == 4
    finally:
        hurried.dispose()

    assert store.load().version == SECOND.version


def test_listing_again_changes_rules_and_brings_back_what_was_unlisted(store: SqlContracts) -> None:
    store.replace(FIRST)
    store.replace(SECOND)
    changed = Universe(replace(c, lot_size=75, freeze_quantity=1_500) for c in FIRST.contracts)

    store.replace(changed)

    assert store.load().version == changed.version


def test_listing_the_same_again_changes_nothing(store: SqlContracts) -> None:
    store.replace(FIRST)

    assert store.replace(FIRST).unlisted == 0
    assert store.load().version == FIRST.version


def test_listing_nothing_unlists_everything(store: SqlContracts) -> None:
    store.replace(FIRST)

    assert store.replace(Universe()).unlisted == len(FIRST)
    assert len(store.load()) == 0


def test_a_contract_that_cannot_be_keeps_the_listing_as_it_was(store: SqlContracts) -> None:
    store.replace(FIRST)
    # The exchange takes no order smaller than a lot, so none can be this small.
    broken = replace(SECOND.contracts[-1], freeze_quantity=1)

    with pytest.raises(IntegrityError):
        store.replace(Universe([*SECOND.contracts[:-1], broken]))

    assert store.load().version == FIRST.version


def test_two_listings_at_once_never_mix(store: SqlContracts) -> None:
    versions = {FIRST.version, SECOND.version}
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            list(pool.map(store.replace, (FIRST, SECOND)))
            assert store.load().version in versions


def test_listing_the_same_again_writes_no_row(store: SqlContracts, engine: Engine) -> None:
    store.replace(FIRST)
    written = _versions(engine)

    store.replace(FIRST)
    assert _versions(engine) == written

    changed = replace(FIRST.contracts[0], lot_size=75)
    store.replace(Universe([changed, *FIRST.contracts[1:]]))
    rewritten = {symbol for symbol, xmin in _versions(engine).items() if xmin != written[symbol]}
    assert rewritten == {changed.symbol}


def _versions(engine: Engine) -> dict[str, str]:
    """Return which transaction wrote each row."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT symbol, CAST(xmin AS text) AS writer FROM contracts")
        )
        return {row.symbol: row.writer for row in rows}


def test_a_whole_universe_comes_back_as_it_was_in_a_small_part_of_its_objects(
    store: SqlContracts,
) -> None:
    universe = generate_universe(UniversePlan(), RULES, CALENDAR, date(2026, 11, 23))

    store.replace(universe)
    tracemalloc.start()
    loaded = store.load()
    kept, peak = tracemalloc.get_traced_memory()
    tenth = list(islice(loaded.contracts, 10_000))
    objects = 10 * (tracemalloc.get_traced_memory()[0] - kept)
    tracemalloc.stop()

    assert loaded.version == universe.version
    assert len(loaded) == 10 * len(tenth)
    assert kept * 10 < objects
    assert peak * 2 < objects


def test_terms_at_their_bounds_come_back_as_they_were(store: SqlContracts) -> None:
    first = FIRST.contracts[0]
    bounds: dict[str, dict[str, Any]] = {
        "0.05": {"tick_size": Decimal("9999.99")},
        "9999999.95": {"lot_size": 2**31 - 1, "freeze_quantity": 2**31 - 1},
        "24050.5": {"expires_at": first.expires_at + timedelta(microseconds=1)},
    }
    listed = Universe(
        replace(first, symbol=f"NIFTY_25AUG26_{strike}CE", strike=Decimal(strike), **changes)
        for strike, changes in bounds.items()
    )

    store.replace(listed)

    assert store.load().contracts == listed.contracts
    assert store.load().version == listed.version
