"""Minutes of the market in a real table: written once, read by contract and by underlying, and compact."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from angel_x.adapters.postgres import minute_quotes
from angel_x.adapters.postgres.hot_statements import hot_statements
from angel_x.adapters.postgres.minute_quotes import PostgresMinuteQuotes
from angel_x.domain.quotes.minute_sample import ChainMinute
from angel_x.domain.records.minute_series import ContractMinute, StraddleMinute

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY, NEAR, FAR = date(2026, 8, 25), date(2026, 8, 25), date(2026, 9, 1)
OPENS = datetime(2026, 8, 25, 3, 45, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALL, PUT = 2_400_000, -2_400_000


def chain(expiry: date, *, first: int = 0, underlying: str = "NIFTY") -> ChainMinute:
    """Return a chain whose prices count on from ``first``."""
    return ChainMinute(
        underlying, expiry, 2_401_005, CALL, first, first + 1,
        [CALL, PUT, 0], [first, first + 1, first + 2], [first + 3, first + 4, 5_000_000_000],
    )  # fmt: skip


@pytest.fixture
def store(engine: Engine) -> PostgresMinuteQuotes:
    return PostgresMinuteQuotes(engine)


def test_a_minute_is_written_once(store: PostgresMinuteQuotes) -> None:
    assert store.save(OPENS, [chain(NEAR), chain(FAR, first=10)]) == 2
    assert store.save(OPENS, [chain(NEAR, first=90), chain(FAR, underlying="BANKNIFTY")]) == 1

    assert store.of_contract("NIFTY", NEAR, CALL, DAY) == (
        ContractMinute(at=OPENS, price=Decimal("0.00"), oi=3),
    )


def test_a_contract_has_the_minutes_of_its_day_in_india_in_order(
    store: PostgresMinuteQuotes,
) -> None:
    begins = datetime(2026, 8, 24, 18, 30, tzinfo=UTC)
    for number, at in enumerate(
        [begins + MINUTE, begins, begins - MINUTE, begins + 1440 * MINUTE, begins + 1439 * MINUTE]
    ):
        store.save(at, [chain(FAR, first=100 * number)])

    found = store.of_contract("NIFTY", FAR, 0, DAY)

    assert [(m.at - begins, m.price, m.oi) for m in found] == [
        (timedelta(), Decimal("1.02"), 5_000_000_000),
        (MINUTE, Decimal("0.02"), 5_000_000_000),
        (1439 * MINUTE, Decimal("4.02"), 5_000_000_000),
    ]
    for other in (("BANKNIFTY", FAR, 0), ("NIFTY", NEAR, 0), ("NIFTY", FAR, CALL + 1)):
        assert store.of_contract(*other, DAY) == ()


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_at_the_end_of_time_has_no_minute(store: PostgresMinuteQuotes, day: date) -> None:
    store.save(OPENS, [chain(NEAR)])

    assert store.of_contract("NIFTY", NEAR, CALL, day) == ()
    assert store.of_underlying("NIFTY", None, day) == ()


def test_the_straddle_is_that_of_the_nearest_expiry_of_each_minute_or_of_a_given_one(
    store: PostgresMinuteQuotes,
) -> None:
    unquoted = chain(FAR)._replace(put=None)
    bare = ChainMinute("NIFTY", FAR, None, None, None, None, [], [], [])
    store.save(OPENS, [chain(FAR, first=50), chain(NEAR, first=20)])
    store.save(OPENS + MINUTE, [unquoted])
    store.save(OPENS + 2 * MINUTE, [bare])

    nearest = store.of_underlying("NIFTY", None, DAY)
    given = store.of_underlying("NIFTY", FAR, DAY)

    assert nearest[0] == StraddleMinute(
        at=OPENS, spot=Decimal("24010.05"), expiry=NEAR, strike=Decimal("24000.00"),
        call=Decimal("0.20"), put=Decimal("0.21"), straddle=Decimal("0.41"),
    )  # fmt: skip
    assert [(m.at, m.straddle) for m in given] == [
        (OPENS, Decimal("1.01")),
        (OPENS + MINUTE, None),
        (OPENS + 2 * MINUTE, None),
    ]
    assert nearest[1:] == given[1:]
    assert (given[1].call, given[2].spot, given[2].strike) == (Decimal("0.00"), None, None)


def test_a_day_of_a_contract_is_read_by_the_index(
    engine: Engine, store: PostgresMinuteQuotes
) -> None:
    for minute in range(40):
        at = OPENS + minute * MINUTE
        store.save(at, [chain(e, underlying=u) for u in ("NIFTY", "SENSEX") for e in (NEAR, FAR)])
    (statement,) = (s for s in hot_statements() if s.label == "minute_quotes_of_contract")
    asked = {"underlying": "NIFTY", "expiry": FAR, "contract": PUT, "day": DAY}
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE minute_quotes; SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(f"EXPLAIN {statement.text}", asked)
        text = "\n".join(plan.scalars())

    assert "minute_quotes_pkey" in text
    assert "Seq Scan" not in text


def test_a_minute_of_a_chain_takes_few_bytes(engine: Engine, store: PostgresMinuteQuotes) -> None:
    strikes = [2_300_000 + 5_000 * n for n in range(41)]
    contracts = [*strikes, *(-strike for strike in strikes)]
    for minute in range(100):
        prices = [(7_919 * (n + minute)) % 40_000 for n in range(82)]
        row = chain(FAR)._replace(
            contracts=contracts, prices=prices, oi=[65 * price for price in prices]
        )
        store.save(OPENS + minute * MINUTE, [row])

    with engine.connect() as connection:
        size = connection.exec_driver_sql("SELECT pg_total_relation_size('minute_quotes')")
        assert size.scalar_one() < 100 * 2_560


def test_old_minutes_are_deleted_by_the_time_of_their_writing(
    engine: Engine, store: PostgresMinuteQuotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minute_quotes, "_ROWS", 2)
    for minute in range(6):
        store.save(OPENS - minute * MINUTE, [chain(NEAR)])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE minute_quotes SET written_at = '2020-01-01Z' WHERE minute < %s", (OPENS,)
        )

    assert store.forget(datetime(2020, 1, 2, tzinfo=UTC)) == 5

    assert [m.at for m in store.of_contract("NIFTY", NEAR, CALL, DAY)] == [OPENS]
