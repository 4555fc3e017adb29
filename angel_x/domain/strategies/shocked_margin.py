"""The margin of positions in a state of the market: risk arrays made anew there, then the worst case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from angel_x.domain.calendar.session import IST
from angel_x.domain.margin.margin import MarginModel, RiskRows
from angel_x.domain.margin.risk_arrays import DELTA_ROW, MARK_ROW, RISK_ROWS, Scan, write_losses
from angel_x.domain.margin.unit_risk import UnitRisk, to_rupees
from angel_x.domain.margin.worst_case import FLAT, WorstCase
from angel_x.domain.pricing.black_scholes import BASIC_COUNT
from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.domain.pricing.kernels import NUMPY
from angel_x.domain.strategies.shocks import SECONDS_PER_DAY, Axes, Forwards, Priced, Shock
from angel_x.domain.values.money import to_paisa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.margin.span import SpanParameters
    from angel_x.domain.pricing.contracts import Contracts, Floats

_DELTA = OUTPUTS.index("delta")


Market = TypeVar("Market", Priced, Forwards)


@dataclass(frozen=True, slots=True)
class Holdings(Generic[Market]):
    """Positions in options, or in futures, with their market of now."""

    market: Market
    underlyings: Sequence[str]
    expiries: Sequence[date]
    #: Units, negative where they are short.
    quantity: NDArray[np.int64]

    def alive(self, shock: Shock) -> list[bool]:
        """Return which contracts have not expired in a state."""
        at = self.market.at + shock.days * SECONDS_PER_DAY
        found: list[bool] = (self.market.expires_at > at).tolist()
        return found

    def spots(self, shock: Shock) -> list[Decimal]:
        """Return the price of each underlying in a state, in rupees."""
        moved = self.market.spot * (1.0 + shock.spot_percent / 100.0)
        return [to_paisa(Decimal(spot)) for spot in moved.tolist()]


@dataclass(frozen=True, slots=True)
class ShockedMargin:
    """Positions of one account with the rules of their margin."""

    options: Holdings[Priced]
    futures: Holdings[Forwards]
    span: SpanParameters
    model: MarginModel

    def grid(self, axes: Axes) -> list[Decimal | None]:
        """Return rupees in every state of the axes; expired contracts need none."""
        return [self.at(shock) for shock in axes.shocks()]

    def at(self, shock: Shock) -> Decimal | None:
        """Return rupees in one state, None where the margin of a contract is unknown."""
        cases: dict[str, WorstCase] = {}
        both: tuple[tuple[Holdings[Any], list[UnitRisk]], ...] = (
            (self.options, self._of_options(shock)),
            (self.futures, self._of_futures(shock)),
        )
        for held, units in both:
            positions = zip(
                held.underlyings, units, held.quantity.tolist(), held.alive(shock), strict=True
            )
            for underlying, unit, quantity, is_alive in positions:
                if is_alive and not unit.is_known:
                    return None
                if is_alive:
                    cases.setdefault(underlying, WorstCase()).add(unit, FLAT, quantity)
        return to_rupees(sum(case.total() for case in cases.values()))

    def _of_options(self, shock: Shock) -> list[UnitRisk]:
        held, count = self.options, len(self.options.underlyings)
        contracts = held.market.after(shock)
        values = np.empty((BASIC_COUNT, count))
        NUMPY.value(contracts, values)
        spot = held.market.spot * (1.0 + shock.spot_percent / 100.0)
        columns = np.empty((RISK_ROWS, count))
        on_spot = _on_spot(contracts, spot, values[0])
        write_losses(on_spot, values[0], self._scan(contracts.years), NUMPY, columns[:DELTA_ROW])
        columns[DELTA_ROW] = values[_DELTA] * contracts.spot / spot
        columns[MARK_ROW] = values[0]
        return self._risks(held, shock, columns.astype(np.float32))

    def _of_futures(self, shock: Shock) -> list[UnitRisk]:
        held = self.futures
        prices = [to_paisa(Decimal(price)) for price in held.market.values(shock).tolist()]
        nothing = np.full((RISK_ROWS, len(prices)), np.nan, np.float32)
        return self._risks(held, shock, nothing, prices)

    def _risks(
        self,
        held: Holdings[Any],
        shock: Shock,
        columns: NDArray[np.float32],
        futures: Sequence[Decimal] | None = None,
    ) -> list[UnitRisk]:
        are_fresh = np.ones(columns.shape[1], np.bool_)
        spots = held.spots(shock)
        rows = RiskRows(held.underlyings, held.expiries, spots, columns, are_fresh, futures=futures)
        at = held.market.at + shock.days * SECONDS_PER_DAY
        return self.model(rows, datetime.fromtimestamp(at, IST).date())

    def _scan(self, years: NDArray[np.float64]) -> Scan:
        is_index = self.span.are_indices(self.options.underlyings)
        daily = self.span.daily_volatilities(self.options.underlyings)
        price, volatility = self.span.scan_ranges(is_index, years, daily)
        reach = self.span.extreme_moves, self.span.extreme_cover, self.span.look_ahead_years
        return Scan(price, volatility, *reach)


def _on_spot(contracts: Contracts, spot: Floats, prices: Floats) -> Contracts:
    """Return the contracts as the clearing corporation prices them: by Black-Scholes-Merton on the spot.

    The volatility is that of the price; a price without time value has none, and moves as its payoff.
    """
    on_spot = contracts._replace(spot=spot, dividend_yield=np.zeros_like(spot), given=prices)
    sigma, status = np.empty(spot.size), np.empty(spot.size, np.int8)
    NUMPY.solve(on_spot, sigma, status)
    return on_spot._replace(given=np.nan_to_num(sigma, nan=0.0))
