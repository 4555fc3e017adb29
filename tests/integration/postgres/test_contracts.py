from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.domain.universe import Universe
from tests.builders.chains import make_universe

FIRST = make_universe(strikes=(24_000, 24_100))
SECOND = make_universe(strikes=(24_100, 24_200))


@pytest.fixture
def store(engine: Engine) -> SqlContracts:
    return SqlContracts(engine)


def test_what_is_listed_is_loaded_as_the_same_universe(store: SqlContracts) -> None:
    assert store.replace(FIRST.contracts) == 0

    loaded = Universe(store.load())
    assert loaded.version == FIRST.version
    assert loaded.contracts == FIRST.contracts


def test_contracts_that_are_not_named_again_are_unlisted_and_keep_their_row(
    store: SqlContracts, engine: Engine
) -> None:
    store.replace(FIRST.contracts)

    assert store.replace(SECOND.contracts) == 4

    assert Universe(store.load()).version == SECOND.version
    with engine.connect() as connection:
        unlisted = connection.execute(text("SELECT symbol FROM contracts WHERE NOT listed"))
        assert {symbol for (symbol,) in unlisted} == set(FIRST.symbols) - set(SECOND.symbols)


def test_listing_again_changes_rules_and_brings_back_what_was_unlisted(store: SqlContracts) -> None:
    store.replace(FIRST.contracts)
    store.replace(SECOND.contracts)
    changed = [replace(c, lot_size=75, freeze_quantity=1_500) for c in FIRST.contracts]

    store.replace(changed)

    assert Universe(store.load()).version == Universe(changed).version


def test_listing_the_same_again_changes_nothing(store: SqlContracts) -> None:
    store.replace(FIRST.contracts)

    assert store.replace(FIRST.contracts) == 0
    assert Universe(store.load()).version == FIRST.version


def test_listing_nothing_unlists_everything(store: SqlContracts) -> None:
    store.replace(FIRST.contracts)

    assert store.replace([]) == len(FIRST)
    assert store.load() == []


def test_a_contract_that_cannot_be_keeps_the_listing_as_it_was(store: SqlContracts) -> None:
    store.replace(FIRST.contracts)
    broken = replace(SECOND.contracts[-1], lot_size=0)

    with pytest.raises(IntegrityError):
        store.replace([*SECOND.contracts[:-1], broken])

    assert Universe(store.load()).version == FIRST.version


def test_two_listings_at_once_never_mix(store: SqlContracts) -> None:
    versions = {FIRST.version, SECOND.version}
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            list(pool.map(store.replace, (FIRST.contracts, SECOND.contracts)))
            assert Universe(store.load()).version in versions
