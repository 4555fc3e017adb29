"""Scenarios of an account's book, with orders that are not sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.margin.margin import MarginModel
from angel_x.domain.margin.span import SpanParameters
from angel_x.domain.orders.order import OrderRequest
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.strategies.answers import PayoffCurve, ScenarioReport
from angel_x.domain.strategies.concentration import concentration
from angel_x.domain.strategies.leg import FutureLeg, Leg, OptionLeg, futures_of, legs_of
from angel_x.domain.strategies.payoff import payoff
from angel_x.domain.strategies.recognition import recognize
from angel_x.domain.strategies.shocked_margin import Holdings, Market, ShockedMargin
from angel_x.domain.strategies.shocks import SECONDS_PER_DAY, Axes, Shock, profit_grid
from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import ZERO
from angel_x.errors import InvalidInput
from angel_x.services.accounts.leg_market import LegMarket, LegMarkets
from angel_x.services.accounts.scenario_form import ScenarioRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: States of one request, and states times contracts.
MOST_STATES, MOST_CELLS = 1_000, 60_000
#: Prices of the underlying in a curve.
_POINTS = 81

#: Units and cost by contract.
_Holdings = Mapping[str, tuple[int, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenarios:
    """Answers questions about books; nothing is stored or locked."""

    #: Returns the open positions of an account.
    positions: Callable[[int], Sequence[PositionRecord]]
    markets: LegMarkets
    spans: Dated[SpanParameters]
    margin: MarginModel

    def report(self, user_id: int, request: ScenarioRequest) -> ScenarioReport:
        """Return the scenarios of the book of an account with the orders of a request.

        Orders count as filled at their limit, those at market at the mark.

        Raises:
            InvalidInput: The grid is too large for the book.
        """
        held = self.positions(user_id) if request.is_of_book else ()
        symbols = [p.symbol for p in held] + [order.symbol for order in request.orders]
        market = self.markets.read(list(dict.fromkeys(symbols)))
        holdings = _holdings(held, request.orders, market)
        book = _Book.of(holdings, request.underlying)
        known = book.priced_by(market)
        _check_size(request.axes, known)
        return ScenarioReport(
            spot_percents=tuple(request.axes.spot_percents),
            vol_percents=tuple(request.axes.vol_percents),
            days=tuple(request.axes.days),
            profit=_profit(known, market, request.axes),
            margin=self._margin(known, market, request.axes),
            payoffs=tuple(_curves(known, holdings, market, request.axes)),
            concentration=concentration(
                book.options, [market.marks.get(x.symbol, ZERO) for x in book.options]
            ),
            strategies=recognize(book.options).strategies,
            unpriced=tuple(leg.symbol for leg in book.legs if leg not in known.legs),
            at=datetime.fromtimestamp(market.at, UTC),
        )

    def _margin(
        self, book: _Book, market: LegMarket, axes: Axes
    ) -> tuple[tuple[tuple[Decimal | None, ...], ...], ...]:
        _, spots, vols = axes.shape
        today = datetime.fromtimestamp(market.at, IST).date()
        found = ShockedMargin(
            _held(book.options, market.priced(book.options)),
            _held(book.futures, market.forwards(book.futures)),
            self.spans.on(today),
            self.margin,
        ).grid(axes)
        rows = [tuple(found[start : start + vols]) for start in range(0, len(found), vols)]
        return tuple(tuple(rows[start : start + spots]) for start in range(0, len(rows), spots))


@dataclass(frozen=True, slots=True)
class _Book:
    """The options and the futures of a question."""

    options: Sequence[OptionLeg]
    futures: Sequence[FutureLeg]

    @classmethod
    def of(cls, holdings: _Holdings, underlying: str | None) -> _Book:
        """Return those of one underlying, or of all for None."""
        units = [
            (symbol, quantity)
            for symbol, (quantity, _) in holdings.items()
            if underlying in (None, underlying_of(symbol))
        ]
        return cls(legs_of(units), futures_of(units))

    @property
    def legs(self) -> Sequence[Leg]:
        return [*self.options, *self.futures]

    def priced_by(self, market: LegMarket) -> _Book:
        """Return the part that can be repriced."""
        return _Book(
            [leg for leg in self.options if market.has_price_of(leg)],
            [leg for leg in self.futures if market.has_price_of(leg)],
        )

    def in_underlying(self, name: str) -> _Book:
        """Return the part in one underlying."""
        return _Book(
            [leg for leg in self.options if leg.underlying == name],
            [leg for leg in self.futures if leg.underlying == name],
        )


def _holdings(
    held: Iterable[PositionRecord], orders: Iterable[OrderRequest], market: LegMarket
) -> _Holdings:
    """Return units and cost by contract, as if the orders had traded."""
    found: dict[str, tuple[int, Decimal]] = {}
    for position in held:
        units, cost = found.get(position.symbol, (0, ZERO))
        found[position.symbol] = units + position.quantity, cost + position.cost
    for order in orders:
        price = order.limit_price or market.marks.get(order.symbol, ZERO)
        units, cost = found.get(order.symbol, (0, ZERO))
        signed = order.side.sign * order.quantity
        found[order.symbol] = units + signed, cost + signed * price
    return found


def _check_size(axes: Axes, book: _Book) -> None:
    states, contracts = math.prod(axes.shape), len(book.legs)
    if states > MOST_STATES or states * contracts > MOST_CELLS:
        raise InvalidInput(
            f"states must be at most {MOST_STATES}, and {MOST_CELLS} times contracts, were {states} "
            f"of {contracts} contracts",
            value=str(states),
        )


def _held(legs: Sequence[Leg], market: Market) -> Holdings[Market]:
    underlyings, expiries = [leg.underlying for leg in legs], [leg.expiry for leg in legs]
    return Holdings(market, underlyings, expiries, _quantities(legs))


def _quantities(legs: Sequence[Leg]) -> NDArray[np.int64]:
    return np.array([leg.quantity for leg in legs], np.int64)


def _profit(
    book: _Book, market: LegMarket, axes: Axes
) -> tuple[tuple[tuple[float, ...], ...], ...]:
    grid = profit_grid(market.priced(book.options), _quantities(book.options), axes)
    grid = grid + profit_grid(market.forwards(book.futures), _quantities(book.futures), axes)
    return tuple(tuple(_rounded(row) for row in table) for table in grid.tolist())


def _curves(
    book: _Book, holdings: _Holdings, market: LegMarket, axes: Axes
) -> Iterable[PayoffCurve]:
    for underlying in sorted({leg.underlying for leg in book.legs}):
        mine = book.in_underlying(underlying)
        cost = sum((holdings[leg.symbol][1] for leg in mine.legs), ZERO)
        yield _curve(mine, cost, market, axes)


def _curve(book: _Book, cost: Decimal, market: LegMarket, axes: Axes) -> PayoffCurve:
    legs, options, futures = book.legs, market.priced(book.options), market.forwards(book.futures)
    underlying = legs[0].underlying
    spot = market.spots[underlying]
    widest = max(5.0, *map(abs, axes.spot_percents))
    percents = np.linspace(-min(widest, 90.0), widest, _POINTS)
    nearest = float(np.concatenate([options.expires_at, futures.expires_at]).min())

    def line(days: float) -> tuple[float, ...]:
        shocks = [Shock(p, 0.0, days) for p in percents.tolist()]
        of_options = [_quantities(book.options) @ options.values(shock) for shock in shocks]
        of_futures = [_quantities(book.futures) @ futures.values(shock) for shock in shocks]
        values = zip(of_options, of_futures, strict=True)
        return _rounded(float(a) + float(b) - float(cost) for a, b in values)

    is_one_expiry = len({leg.expiry for leg in legs}) == 1
    return PayoffCurve(
        underlying=underlying,
        spot=spot,
        expiry=min(leg.expiry for leg in legs),
        spots=tuple(round(spot * Decimal(1 + p / 100), 2) for p in percents.tolist()),
        before=tuple(line(days) for days in axes.days),
        at_expiry=line(max(0.0, (nearest - market.at) / SECONDS_PER_DAY)),
        exact=payoff(legs, cost) if is_one_expiry else None,
    )


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    """Return rupees to the paisa, without a negative zero."""
    return tuple(round(value, 2) + 0.0 for value in values)
