from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.chains.fingerprint import fingerprints
from angel_x.domain.pricing.marks import QuoteAge
from angel_x.domain.quotes.quote import QUOTE, MarketQuotes
from tests.builders.chains import fair_quotes, make_universe, spot_quotes

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNIVERSE = make_universe(("BANKNIFTY", "NIFTY"))
CHAIN = 42
#: What is in the quotes of the builders, and a moment later.
RECEIVED_MS = 1_000
AGE = QuoteAge(now_ms=2_000, most=60.0)
ALL = slice(None)


def market() -> MarketQuotes:
    futures = np.zeros(len(UNIVERSE.chains), QUOTE)
    futures["time"], futures["last"] = RECEIVED_MS, 2_410_000
    return MarketQuotes(fair_quotes(UNIVERSE), spot_quotes(UNIVERSE), futures)


def of_all(quotes: MarketQuotes, age: QuoteAge = AGE) -> list[int]:
    return [int(mark) for mark in fingerprints(UNIVERSE, ALL, quotes, age)]


def changed(after: MarketQuotes, age: QuoteAge = AGE) -> list[int]:
    """Return which chains have another fingerprint than at first."""
    pairs = zip(of_all(market()), of_all(after, age), strict=True)
    return [index for index, (old, new) in enumerate(pairs) if old != new]


@pytest.mark.parametrize("field", ["bid", "ask", "last"])
@pytest.mark.parametrize("row", [0, CHAIN - 1, CHAIN, 4 * CHAIN - 1])
def test_a_price_of_a_row_moves_its_chain_and_no_other(field: str, row: int) -> None:
    moved = market()
    moved.quotes[field][row] += 5

    assert changed(moved) == [row // CHAIN]


def test_a_spot_moves_all_chains_of_its_underlying() -> None:
    moved = market()
    moved.spots["last"][1] += 5

    assert changed(moved) == [2, 3]


def test_a_future_moves_its_chain() -> None:
    moved = market()
    moved.futures["last"][2] += 5

    assert changed(moved) == [2]


@pytest.mark.parametrize("field", ["time", "bid_size", "ask_size", "oi", "volume"])
def test_what_is_no_price_moves_nothing(field: str) -> None:
    moved = market()
    moved.quotes[field] += np.where(moved.quotes["time"] > 0, 7, 0)

    assert changed(moved) == []


def test_quotes_that_trade_places_are_others() -> None:
    moved = market()
    moved.quotes[[10, 12]] = moved.quotes[[12, 10]]

    assert changed(moved) == [0]


def test_a_bid_is_not_an_ask() -> None:
    moved = market()
    moved.quotes["bid"][10], moved.quotes["ask"][10] = 700, 300
    swapped = market()
    swapped.quotes["bid"][10], swapped.quotes["ask"][10] = 300, 700

    assert of_all(moved)[0] != of_all(swapped)[0]


def test_a_quote_that_grows_too_old_moves_its_chain_and_a_fresh_one_moves_it_back() -> None:
    late = QuoteAge(now_ms=RECEIVED_MS + 60_001, most=60.0)

    assert changed(market(), late) == [0, 1, 2, 3]
    again = market()
    for quotes in again:
        quotes["time"][quotes["time"] > 0] += 60_000
    assert changed(again, late) == []


def test_negative_and_absent_prices_have_fingerprints_of_their_own() -> None:
    seen = set()
    for bid in (-(2**31), -1, 0, 1, 2**31 - 1):
        moved = market()
        moved.quotes["bid"][0] = bid
        seen.add(of_all(moved)[0])

    assert len(seen) == 5


@pytest.mark.parametrize("chains", [slice(0, 1), slice(1, 3), slice(3, 4)])
def test_a_run_of_chains_has_the_fingerprints_that_it_has_among_all(chains: slice) -> None:
    whole = market()
    members = UNIVERSE.chains[chains]
    part = whole._replace(quotes=whole.quotes[members[0].start : members[-1].stop])

    found: NDArray[np.uint64] = fingerprints(UNIVERSE, chains, part, AGE)

    assert found.tolist() == of_all(whole)[chains]


def test_no_chains_have_no_fingerprints() -> None:
    empty = make_universe(())
    nothing = MarketQuotes(*(np.zeros(0, QUOTE) for _ in range(3)))

    assert fingerprints(empty, ALL, nothing, QuoteAge(0, math.inf)).tolist() == []
