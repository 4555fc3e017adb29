from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from angel_x.adapters.contract_files import read_contracts
from angel_x.domain.contracts.universe_generator import UniversePlan
from angel_x.errors import InvalidChainFile, InvalidInput, InvalidScripMaster
from angel_x.services.market.contracts import ContractListing
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
from tests.builders.scrips import cash, master_text, option

OLD = make_universe(strikes=(24_000,))


@pytest.fixture
def pointer() -> MemoryPointer:
    return MemoryPointer(OLD.version)


@pytest.fixture
def listing(pointer: MemoryPointer) -> ContractListing:
    return ContractListing(
        store=MemoryContracts(OLD),
        publish=pointer.publish,
        rules=lambda: RULES,
        calendar=CALENDAR,
        market_clock=ManualClock(),
        read_file=partial(read_contracts, rules=RULES, calendar=CALENDAR),
    )


def test_a_recording_replaces_what_was_listed(
    listing: ContractListing, pointer: MemoryPointer, tmp_path: Path
) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text())

    result = listing.load_file(path)

    universe = listing.store.load()
    assert (result.listed, result.unlisted, result.chains) == (3, 4, 2)
    assert result.version == universe.version == pointer.published


def test_a_wrong_file_lists_nothing(
    listing: ContractListing, pointer: MemoryPointer, tmp_path: Path
) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text().replace("147.4", "-147.4"))

    with pytest.raises(InvalidChainFile, match=r"chain\.csv, row 3, column ltp"):
        listing.load_file(path)

    assert listing.store.load().version == OLD.version == pointer.published


def test_a_generated_chain_replaces_what_was_listed(
    listing: ContractListing, pointer: MemoryPointer
) -> None:
    result = listing.load_generated("NIFTY", Decimal(24_060))

    assert (result.listed, result.unlisted, result.chains) == (489, 4, 3)
    assert pointer.published == result.version


def test_listing_the_same_again_changes_nothing(listing: ContractListing) -> None:
    first, second = listing.load_generated(), listing.load_generated()

    assert second.version == first.version
    assert second.unlisted == 0


def test_a_chain_is_generated_only_where_everything_has_expired(listing: ContractListing) -> None:
    assert listing.ensure() is not None
    assert listing.ensure() is None

    assert isinstance(listing.market_clock, ManualClock)
    listing.market_clock.now = NOW + timedelta(days=23)
    renewed = listing.ensure()
    assert renewed is not None
    assert renewed.unlisted == 486


def test_a_scrip_master_replaces_what_was_listed(
    listing: ContractListing, pointer: MemoryPointer, tmp_path: Path
) -> None:
    path = tmp_path / "OpenAPIScripMaster.json"
    path.write_text(master_text([cash("BEL"), option(), option(24_000, "PE", freeze_qty=...)]))
    assert isinstance(listing.market_clock, ManualClock)
    listing.market_clock.now = datetime(2026, 8, 19, 4, 0, tzinfo=UTC)
    told: list[tuple[int, int]] = []

    result = listing.load_file(path, lambda done, total: told.append((done, total)))

    assert (result.listed, result.chains, result.underlyings) == (2, 1, 1)
    assert (result.passed_over, result.without_freeze) == ({"other_instruments": 1}, 0)
    assert result.version == listing.store.load().version == pointer.published
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_a_wrong_master_lists_nothing(
    listing: ContractListing, pointer: MemoryPointer, tmp_path: Path
) -> None:
    path = tmp_path / "master"
    path.write_text(
        master_text([option(expiry="01DEC2026"), option(expiry="01DEC2026", strike="no")])
    )

    with pytest.raises(InvalidScripMaster, match=r"master, row 2, field strike"):
        listing.load_file(path)

    assert listing.store.load().version == OLD.version == pointer.published


def test_a_generated_universe_replaces_what_was_listed(
    listing: ContractListing, pointer: MemoryPointer
) -> None:
    result = listing.load_universe(UniversePlan(underlyings=10, expiries=1, contracts=1_001))

    assert (result.listed, result.unlisted, result.underlyings) == (1_000, 4, 10)
    assert pointer.published == result.version == listing.store.load().version


def test_a_contract_in_which_something_is_held_or_open_stays_listed_and_is_named(
    listing: ContractListing, pointer: MemoryPointer, tmp_path: Path
) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text())
    held = OLD.symbols[1]
    assert isinstance(listing.store, MemoryContracts)
    listing.store.held = frozenset([held])

    with capture_logs() as logs:
        result = listing.load_file(path)

    assert (result.listed, result.unlisted, result.kept) == (4, 3, (held,))
    universe = listing.store.load()
    assert held in universe.symbols
    assert universe.version == pointer.published
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert (warning["event"], warning["symbols"]) == ("contracts.kept", (held,))


def test_market_time_decides_what_has_expired(listing: ContractListing, tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    path.write_text(master_text([option()]))
    assert isinstance(listing.market_clock, ManualClock)

    listing.market_clock.now = datetime(2026, 8, 25, 18, 29, tzinfo=UTC)
    assert listing.load_file(path).listed == 1
    listing.market_clock.now = datetime(2026, 8, 25, 18, 31, tzinfo=UTC)
    with pytest.raises(InvalidScripMaster, match="must hold an option that has not expired"):
        listing.load_file(path)


def test_a_plan_that_cannot_be_followed_lists_nothing(
    listing: ContractListing, pointer: MemoryPointer
) -> None:
    with pytest.raises(InvalidInput, match="contracts must be at least"):
        listing.load_universe(UniversePlan(contracts=10))

    assert listing.store.load().version == OLD.version == pointer.published
