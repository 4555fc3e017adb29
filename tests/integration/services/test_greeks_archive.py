"""Published Greeks into a real database, and out of it when their contracts are long gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from redis.exceptions import RedisError
from sqlalchemy import text

from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.domain.operations.metric import Metric
from angel_x.domain.pricing.greek import GREEK_FIELDS, GreekField
from angel_x.services.pricing import greeks_archive
from angel_x.services.pricing.greeks_archive import GreeksArchive
from tests.builders.chains import make_universe
from tests.builders.recorders import FixedUniverse, RecordingMeter

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis
    from sqlalchemy import Engine, Row

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
CHAIN = 42
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
AS_OF_MS = int(NOW.timestamp() * 1000)
EXPIRY = datetime.fromtimestamp(float(UNIVERSE.expires_at[0]), UTC)


@dataclass(frozen=True)
class Archive:
    service: GreeksArchive
    board: RedisGreeksBoard
    engine: Engine

    def publish(
        self, start: int, stop: int, columns: NDArray[np.float32], later_ms: int = 0
    ) -> None:
        self.board.write(UNIVERSE, start, columns[:, start:stop], AS_OF_MS + later_ms)

    def stored(self) -> Sequence[Row[tuple[object, ...]]]:
        statement = text("SELECT symbol, delta, rho, as_of FROM greeks_snapshot ORDER BY symbol")
        with self.engine.connect() as connection:
            return connection.execute(statement).all()


@pytest.fixture
def archive(cache: Redis, engine: Engine) -> Archive:
    board = RedisGreeksBoard(cache, ttl_seconds=30)
    service = GreeksArchive(
        universes=FixedUniverse(UNIVERSE),
        read_greeks=board.read_rows,
        snapshots=PostgresGreeksSnapshots(engine),
        meter=RecordingMeter(),
        clock=lambda: NOW,
        retention=timedelta(days=90),
        outages=(RedisError,),
    )
    return Archive(service, board, engine)


def columns() -> NDArray[np.float32]:
    """Columns in which every number is its own."""
    rows = np.arange(len(UNIVERSE), dtype=np.float32)
    return rows + 1000 * np.arange(len(GREEK_FIELDS), dtype=np.float32)[:, None]


def test_a_snapshot_keeps_the_rows_that_have_greeks(archive: Archive) -> None:
    some = columns()
    some[GreekField.IMPLIED_VOL, 3] = np.nan
    some[GreekField.GAMMA, 5] = np.inf
    archive.publish(0, CHAIN, some)
    archive.publish(2 * CHAIN, 3 * CHAIN, some)

    assert archive.service.snapshot() == 2 * CHAIN - 2

    stored = {row.symbol: row for row in archive.stored()}
    kept = [row for row in [*range(CHAIN), *range(2 * CHAIN, 3 * CHAIN)] if row not in (3, 5)]
    assert set(stored) == {UNIVERSE.symbols[row] for row in kept}
    for row in kept:
        found = stored[UNIVERSE.symbols[row]]
        assert (found.delta, found.rho, found.as_of) == (2000 + row, 6000 + row, NOW)


def test_what_was_not_published_anew_is_not_written_again(archive: Archive) -> None:
    archive.publish(0, 2 * CHAIN, columns())
    assert archive.service.snapshot() == 2 * CHAIN
    assert archive.service.snapshot() == 0

    archive.publish(CHAIN, 2 * CHAIN, columns() + 1, later_ms=500)

    assert archive.service.snapshot() == CHAIN
    assert {row.as_of for row in archive.stored()} == {NOW, NOW + timedelta(milliseconds=500)}


def test_a_universe_larger_than_a_slice_is_kept_whole(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greeks_archive, "_SLICE", CHAIN)
    archive.publish(0, 4 * CHAIN, columns())

    assert archive.service.snapshot() == 4 * CHAIN

    assert [row.symbol for row in archive.stored()] == sorted(UNIVERSE.symbols)


def test_a_snapshot_of_nothing_keeps_nothing(archive: Archive) -> None:
    empty = replace(archive.service, universes=FixedUniverse(make_universe(())))

    assert (archive.service.snapshot(), empty.snapshot()) == (0, 0)
    assert archive.stored() == []


def test_a_cache_that_goes_away_leaves_what_was_kept(archive: Archive) -> None:
    class Away(RedisGreeksBoard):
        def read_rows(
            self, universe: object, rows: NDArray[np.int64]
        ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            raise RedisError(f"gone while {len(rows)} rows of {universe} were read")

    meter = RecordingMeter()
    away = replace(archive.service, read_greeks=Away.__new__(Away).read_rows, meter=meter)

    assert away.snapshot() == 0

    assert meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "server_away"})]


@pytest.mark.parametrize(("days", "forgotten"), [(90, 0), (91, 84)])
def test_the_greeks_of_contracts_that_expired_long_ago_are_forgotten(
    archive: Archive, days: int, forgotten: int
) -> None:
    SqlContracts(archive.engine).replace(UNIVERSE)
    archive.publish(0, 4 * CHAIN, columns())
    archive.service.snapshot()
    late = replace(archive.service, clock=lambda: EXPIRY + timedelta(days=days))

    assert late.forget() == forgotten
    assert late.forget() == 0

    gone = {
        s
        for c in UNIVERSE.chains
        if c.expiry == EXPIRY.date()
        for s in UNIVERSE.symbols[c.start : c.stop]
    }
    expected = set(UNIVERSE.symbols) - (gone if forgotten else set())
    assert {row.symbol for row in archive.stored()} == expected


def test_what_is_no_contract_counts_from_its_last_greeks(archive: Archive) -> None:
    archive.publish(0, CHAIN, columns())
    archive.service.snapshot()

    assert replace(archive.service, clock=lambda: NOW + timedelta(days=90)).forget() == 0
    assert replace(archive.service, clock=lambda: NOW + timedelta(days=91)).forget() == CHAIN
