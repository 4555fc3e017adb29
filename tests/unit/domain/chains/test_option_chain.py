from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.chains.chain_record import ContractGreeks
from angel_x.domain.chains.option_chain import Readings, contract_greeks, oldest_age
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.greek import GreekField
from angel_x.domain.pricing.greek_columns import absent
from angel_x.domain.pricing.pricing_status import MarketStatus, status_name
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.chains import make_universe
from tests.builders.markets import factory_on

UNIVERSE = make_universe()
NOW_MS = 1_787_000_000_000


def read(
    quote: tuple[int, ...] = (0, 0, 0, 0, 0, 0, 0, 0), time: int = 0, **greeks: float
) -> ContractGreeks:
    """Put the first row into words; a field of Greeks that is not given is absent."""
    columns = absent(1)
    for name, value in greeks.items():
        columns[GreekField[name.upper()]] = value
    readings = Readings(np.array([quote], QUOTE), columns, np.array([time], np.int64))
    return contract_greeks(UNIVERSE, [0], readings, NOW_MS)[0]


def test_prices_are_rupees_to_the_paisa_and_numbers_as_short_as_they_are_exact() -> None:
    found = read(
        (NOW_MS - 250, 9_995, 10_005, 10_000, 65, 65, 650, 1300),
        NOW_MS - 1_500,
        implied_vol=0.1,
        price=100.004,
        delta=-0.3,
        forward=24_060.25,
        forward_source=0,
        vanna=0.0012345678,
        volga=-0.25,
        charm=-0.0005,
        speed=1e-8,
        status=0,
    )

    assert (found.bid, found.ask, found.last) == (
        Decimal("99.95"),
        Decimal("100.05"),
        Decimal("100.00"),
    )
    assert (found.price, found.forward) == (Decimal("100.00"), Decimal("24060.25"))
    assert (found.implied_vol, found.delta) == (0.1, -0.3)
    assert (found.vanna, found.volga, found.charm) == (0.001234568, -0.25, -0.0005)
    assert (found.speed, found.forward_source) == (1e-8, "parity")
    assert (found.age_seconds, found.quote_age_seconds) == (1.5, 0.25)
    assert (found.oi, found.volume, found.status) == (650, 1300, "ok")


def test_prices_above_a_lakh_keep_their_paise() -> None:
    found = read(price=131_072.25, forward=1_234_567.5, forward_source=0, status=0)

    assert (found.price, found.forward) == (Decimal("131072.25"), Decimal("1234567.50"))


def test_what_is_not_known_is_none_and_not_zero() -> None:
    found = read()

    known = {field.name: getattr(found, field.name) for field in fields(found)}
    assert {name for name, value in known.items() if value is not None} == {
        "symbol", "strike", "right", "expiry", "status",
    }  # fmt: skip
    assert found.status == "unpublished"


def test_where_there_is_no_forward_it_comes_from_nowhere() -> None:
    found = read(forward_source=1, status=float(MarketStatus.NO_SPOT))

    assert (found.forward, found.forward_source, found.status) == (None, None, "no_spot")


@pytest.mark.parametrize("source", list(ForwardSource))
def test_a_forward_says_where_it_comes_from(source: ForwardSource) -> None:
    found = read(forward=24_060.25, forward_source=source, status=0)

    assert found.forward_source == source.name.lower()


def test_one_side_of_a_quote_can_stand_alone() -> None:
    found = read((NOW_MS, 0, 5, 5, 0, 65, 0, 0))

    assert (found.bid, found.ask) == (None, Decimal("0.05"))
    assert (found.oi, found.volume) == (0, 0)


def test_a_chain_is_as_old_as_its_oldest_greeks() -> None:
    assert oldest_age(np.array([0, NOW_MS - 3_000, NOW_MS]), NOW_MS) == 3.0
    assert oldest_age(np.zeros(2, np.int64), NOW_MS) is None


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0.0, "ok"),
        (6.0, "below_intrinsic"),
        (float(MarketStatus.NO_QUOTE), "no_quote"),
        (float(MarketStatus.NO_SPOT), "no_spot"),
        (float("nan"), "unpublished"),
    ],
)
def test_every_status_has_a_name(code: float, name: str) -> None:
    assert status_name(code) == name


def test_the_record_of_a_future_has_its_quote_and_a_delta_of_one() -> None:
    future = factory_on(date(2026, 8, 19)).make_future("NIFTY", UNIVERSE.chains[0].expiry)
    universe = Universe([*UNIVERSE.contracts, future])
    quotes = np.array([(NOW_MS - 250, 2_410_000, 2_410_020, 2_410_010, 65, 65, 650, 1300)], QUOTE)
    readings = Readings(quotes, absent(1), np.zeros(1, np.int64))

    [found] = contract_greeks(universe, [universe.option_count], readings, NOW_MS)

    assert (found.symbol, found.strike, found.right) == (future.symbol, Decimal(0), None)
    assert (found.bid, found.ask) == (Decimal(24_100), Decimal("24100.20"))
    assert (found.delta, found.gamma, found.implied_vol, found.forward) == (1.0, 0.0, None, None)
    assert (found.age_seconds, found.status) == (0.25, "ok")
