from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from angel_x.adapters.chain_files import read_chain
from angel_x.domain.universe import Universe
from angel_x.errors import InvalidChainFile
from angel_x.services.contracts import ContractListing
from tests.builders.chains import make_universe
from tests.builders.markets import (
    CALENDAR,
    NOW,
    RULES,
    ManualClock,
    MemoryContracts,
    MemoryPointer,
    chain_text,
)

OLD = make_universe(strikes=(24_000,))


@pytest.fixture
def listing() -> ContractListing:
    return ContractListing(
        store=MemoryContracts(OLD.contracts),
        pointer=MemoryPointer(OLD.version),
        rules=RULES,
        calendar=CALENDAR,
        clock=ManualClock(),
        read_chain=partial(read_chain, rules=RULES, calendar=CALENDAR),
    )


def published(listing: ContractListing) -> str | None:
    assert isinstance(listing.pointer, MemoryPointer)
    return listing.pointer.published


def test_a_recording_replaces_what_was_listed(listing: ContractListing, tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text())

    result = listing.load_file(path)

    universe = Universe(listing.store.load())
    assert (result.listed, result.unlisted, result.chains) == (3, 4, 2)
    assert result.version == universe.version == published(listing)


def test_a_wrong_file_lists_nothing(listing: ContractListing, tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text().replace("147.4", "-147.4"))

    with pytest.raises(InvalidChainFile, match=r"chain\.csv, row 3, column ltp"):
        listing.load_file(path)

    assert Universe(listing.store.load()).version == OLD.version == published(listing)


def test_a_generated_chain_replaces_what_was_listed(listing: ContractListing) -> None:
    result = listing.load_generated("NIFTY", Decimal(24_060))

    assert (result.listed, result.unlisted, result.chains) == (486, 4, 3)
    assert published(listing) == result.version


def test_listing_the_same_again_changes_nothing(listing: ContractListing) -> None:
    first, second = listing.load_generated(), listing.load_generated()

    assert second.version == first.version
    assert second.unlisted == 0


def test_a_chain_is_generated_only_where_everything_has_expired(listing: ContractListing) -> None:
    assert listing.ensure() is not None
    assert listing.ensure() is None

    assert isinstance(listing.clock, ManualClock)
    listing.clock.now = NOW + timedelta(days=23)
    renewed = listing.ensure()
    assert renewed is not None
    assert renewed.unlisted == 486
