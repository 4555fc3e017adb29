"""What quotes are good for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.pricing.marks import QuoteAge, last_prices, marks_of
from angel_x.domain.pricing.pricing_status import MarketStatus
from angel_x.domain.quotes.quote import QUOTE

NOW = 1_000_000
AGE = QuoteAge(NOW, 10.0)


@dataclass(frozen=True)
class Case:
    """A quote in paise, and what it should be good for in rupees."""

    bid: int = 0
    ask: int = 0
    last: int = 0
    age_ms: int = 100
    price: float = math.nan
    spread: float = math.inf
    status: int = 0

    def quote(self) -> np.ndarray:
        quote = np.zeros(1, QUOTE)
        quote["bid"], quote["ask"], quote["last"] = self.bid, self.ask, self.last
        quote["time"] = NOW - self.age_ms
        return quote


CASES = {
    "two sides": Case(1000, 1010, 900, price=10.05, spread=0.1),
    "half a paisa": Case(1000, 1005, price=10.025, spread=0.05),
    "locked": Case(1000, 1000, price=10.0, spread=0.0),
    "bid only": Case(bid=1000, last=1100, price=11.0),
    "ask only": Case(ask=1000, last=900, price=9.0),
    "bid above the last price": Case(bid=1000, last=900, price=10.0),
    "ask below the last price": Case(ask=5, last=900, price=0.05),
    "traded only": Case(last=900, price=9.0),
    "largest": Case(2**31 - 1, 2**31 - 1, price=(2**31 - 1) / 100, spread=0.0),
    "just in time": Case(1000, 1010, age_ms=10_000, price=10.05, spread=0.1),
    "one side, never traded": Case(bid=1000, status=MarketStatus.NO_QUOTE),
    "nothing": Case(status=MarketStatus.NO_QUOTE),
    "never received": Case(1000, 1010, age_ms=NOW, status=MarketStatus.NO_QUOTE),
    "crossed": Case(1010, 1000, 1005, status=MarketStatus.CROSSED_QUOTE),
    "negative bid": Case(-5, 1000, 900, status=IvStatus.NEGATIVE_PRICE),
    "negative ask": Case(1000, -5, 900, status=IvStatus.NEGATIVE_PRICE),
    "negative last": Case(1000, 1010, -1, status=IvStatus.NEGATIVE_PRICE),
    "stale": Case(1000, 1010, 900, age_ms=10_001, status=MarketStatus.STALE_QUOTE),
    "stale and crossed": Case(1010, 1000, age_ms=10_001, status=MarketStatus.STALE_QUOTE),
    "from the future": Case(1000, 1010, age_ms=-10_001, status=MarketStatus.STALE_QUOTE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_quote_stands_for_a_price_or_says_why_not(case: Case) -> None:
    marks = marks_of(case.quote(), AGE)

    np.testing.assert_allclose(marks.price, [case.price], rtol=1e-12)
    assert marks.status.tolist() == [case.status]
    if case.status == 0:
        np.testing.assert_allclose(marks.spread, [case.spread], rtol=1e-12)


def test_quotes_are_judged_one_by_one() -> None:
    quotes = np.concatenate([case.quote() for case in CASES.values()])

    together, alone = marks_of(quotes, AGE), [marks_of(c.quote(), AGE) for c in CASES.values()]

    for name in ("price", "spread", "status"):
        one_by_one = np.concatenate([getattr(marks, name) for marks in alone])
        np.testing.assert_array_equal(getattr(together, name), one_by_one)


def test_no_quote_grows_old_where_age_does_not_matter() -> None:
    assert marks_of(CASES["stale"].quote(), QuoteAge(NOW, math.inf)).price == [10.05]


@pytest.mark.parametrize(
    ("case", "price"),
    [
        (Case(1000, 1010, 900), 9.0),
        (Case(1000, 1010), math.nan),
        (Case(last=-900), math.nan),
        (Case(last=900, age_ms=10_001), math.nan),
        (Case(last=900, age_ms=NOW), math.nan),
    ],
)
def test_a_last_price_counts_while_it_is_fresh(case: Case, price: float) -> None:
    np.testing.assert_array_equal(last_prices(case.quote(), AGE), [price])
