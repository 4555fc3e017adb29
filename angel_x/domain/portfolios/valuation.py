"""Valuation of many accounts in one vectorized pass over columns of positions.

Money is counted in half paise, because the middle of a bid and an ask can be half a paisa; it is
exact until the total of an account is rounded to the paisa.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.book.account import Account
from angel_x.domain.contracts.contract import is_future
from angel_x.domain.margin.scenarios import SPOT_PERCENT, VOL_PERCENT, ScenarioInputs, unit_profit
from angel_x.domain.portfolios.expired import ExpiredMarks
from angel_x.domain.portfolios.portfolio import NetGreeks, Portfolio, ScenarioGrid
from angel_x.domain.pricing.greek import SUMMED_GREEKS, GreekField
from angel_x.domain.pricing.greek_columns import absent, with_futures
from angel_x.domain.pricing.model_terms import years_of
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.quotes.quote import mid_paise
from angel_x.domain.values.money import to_paisa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_HALF_PAISE_PER_RUPEE = 200
_PAISE_PER_RUPEE = 100.0
_NET_FIELDS = [greek.field for greek in SUMMED_GREEKS]


@dataclass(frozen=True, slots=True)
class PositionColumns:
    """Open positions as columns of one length."""

    #: Position of the owner in the list of accounts.
    owner: Integers
    symbols: Sequence[str]
    #: Signed units.
    quantity: Integers
    #: Signed cost in paise: paid for a long position, received (negative) for a short one.
    cost_paise: Integers


@dataclass(frozen=True, slots=True)
class Located:
    """The contracts of the positions in the universe."""

    #: The distinct rows of the universe, ascending.
    rows: Integers
    #: Position of each holding in :attr:`rows`; -1 where its contract is not in the universe.
    position: Integers


@dataclass(frozen=True, slots=True)
class Market:
    """Market data of the distinct contracts of some holdings."""

    quotes: NDArray[np.void]
    #: Published Greeks, shape (fields, contracts), NaN where there are none.
    greeks: NDArray[np.float32]
    #: Request time of the Greeks of each contract, epoch milliseconds; zero where there are none.
    times: NDArray[np.int64]
    #: One quote for each underlying of the universe.
    spots: NDArray[np.void]
    #: Market time, epoch seconds.
    at: float
    #: The annual rate at which payoffs are discounted.
    rate: float
    #: The pricing model of the volatilities.
    model: PricingModel = PricingModel.BLACK76


def locate(universe: Universe, symbols: Sequence[str]) -> Located:
    """Find the contracts of positions in the universe."""
    found = np.array([universe.rows.get(symbol, -1) for symbol in symbols], np.int64)
    rows, position = np.unique(found, return_inverse=True)
    unlisted = int(rows.size > 0 and rows[0] < 0)
    return Located(rows[unlisted:], position.astype(np.int64) - unlisted)


def value_accounts(
    accounts: Sequence[Account],
    holdings: PositionColumns,
    universe: Universe,
    located: Located,
    market: Market,
    at: datetime,
    expired: ExpiredMarks | None = None,
) -> list[Portfolio]:
    """Return the portfolio of each account; ``holdings`` are theirs, ``market`` is of ``located``."""
    count = len(accounts)
    marks = _marks(located, market, expired)
    unrealised, owed, market_value, stale = _worth(count, holdings, marks)
    provisional = _provisional(count, holdings, expired)
    greeks, unpriced = _net_greeks(count, holdings, universe, located, market)
    profit = _scenario_profit(count, holdings, universe, located, market)
    open_positions = np.bincount(holdings.owner, minlength=count)
    for account, pnl in zip(accounts, owed, strict=True):
        account.short_pnl = _rupees(pnl)
    return [
        Portfolio(
            user_id=account.id,
            cash=account.cash,
            collateral=account.collateral,
            margin_used=account.margin_used,
            free_balance=account.free_balance,
            realised_pnl=account.realised_pnl,
            unrealised_pnl=_rupees(unrealised[i]),
            equity=account.cash + account.collateral + _rupees(market_value[i]),
            greeks=greeks[i],
            scenarios=_grid(profit[i]),
            open_positions=int(open_positions[i]),
            stale_positions=int(stale[i]),
            unpriced_positions=int(unpriced[i]),
            updated_at=at,
            provisional_positions=int(provisional[i]),
            greeks_as_of=min((net.as_of for net in greeks[i].values() if net.as_of), default=None),
        ).at(at)
        for i, account in enumerate(accounts)
    ]


def _marks(located: Located, market: Market, expired: ExpiredMarks | None) -> Floats:
    """Return the mark of each holding in paise; NaN where it has none."""
    # Position -1 selects the appended NaN: no quote.
    marks: Floats = np.append(mid_paise(market.quotes), np.nan)[located.position]
    return marks if expired is None else np.where(expired.is_expired, expired.marks, marks)


def _provisional(count: int, holdings: PositionColumns, expired: ExpiredMarks | None) -> Integers:
    owner = holdings.owner[:0] if expired is None else holdings.owner[expired.is_expired]
    return np.bincount(owner, minlength=count)


def _worth(
    count: int, holdings: PositionColumns, marks: Floats
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return by account unrealised P&L, that of shorts and futures, and value in half paise, and positions at cost.

    A future is worth its open P&L: its cost is not paid.
    """
    are_futures = np.array([is_future(symbol) for symbol in holdings.symbols], np.bool_)
    marked = np.isfinite(marks)
    cost = 2 * holdings.cost_paise
    at_mark = holdings.quantity * np.where(marked, 2.0 * marks, 0.0).astype(np.int64)
    value = np.where(marked, at_mark, cost)
    return (
        _sum_by(holdings.owner, value - cost, count),
        _sum_by(
            holdings.owner,
            np.where((holdings.quantity < 0) | are_futures, value - cost, 0),
            count,
        ),
        _sum_by(holdings.owner, np.where(are_futures, value - cost, value), count),
        np.bincount(holdings.owner[~marked], minlength=count),
    )


def _net_greeks(
    count: int, holdings: PositionColumns, universe: Universe, located: Located, market: Market
) -> tuple[list[dict[str, NetGreeks]], Integers]:
    """Return the sums by account and underlying, and the count of positions without Greeks."""
    are_futures = located.rows >= universe.option_count
    quoted_at = market.quotes["time"]
    published, times = with_futures(market.greeks, market.times, quoted_at, are_futures)
    columns = np.append(published, absent(1), axis=1)[_NET_FIELDS].astype(np.float64)
    columns = columns[:, located.position]
    priced = np.isfinite(columns).all(axis=0)
    owner, position = holdings.owner[priced], located.position[priced]
    names = universe.underlyings
    group = owner * len(names) + universe.underlying_index[located.rows[position]]
    groups, member = np.unique(group, return_inverse=True)
    weighted = holdings.quantity[priced] * columns[:, priced]
    totals = np.array([np.bincount(member, column, groups.size) for column in weighted])
    oldest = np.full(groups.size, np.iinfo(np.int64).max)
    np.minimum.at(oldest, member, times[position])
    result: list[dict[str, NetGreeks]] = [{} for _ in range(count)]
    for index, total, time in zip(groups.tolist(), totals.T, oldest.tolist(), strict=True):
        account, underlying = divmod(index, len(names))
        result[account][names[underlying]] = _sums(total, market.spots[underlying], time)
    return result, np.bincount(holdings.owner[~priced], minlength=count)


def _sums(totals: Floats, spot_quote: np.void, time_ms: int) -> NetGreeks:
    sums = {g.name: round(t, 6) for g, t in zip(SUMMED_GREEKS, totals.tolist(), strict=True)}
    paise = int(spot_quote["last"])
    spot = paise / _PAISE_PER_RUPEE if paise > 0 else None
    return NetGreeks(
        **sums,
        delta_rupees=None if spot is None else round(sums["delta"] * spot, 2),
        gamma_rupees=None if spot is None else round(sums["gamma"] * spot**2 * 0.01, 2),
        as_of=datetime.fromtimestamp(time_ms / 1000.0, UTC),
    )


def _scenario_profit(
    count: int, holdings: PositionColumns, universe: Universe, located: Located, market: Market
) -> Floats:
    """Return rupees, shape (accounts, spot moves, volatility moves)."""
    rows, greeks = located.rows, market.greeks.astype(np.float64)
    years = years_of(market.model, universe.expires_at[rows], market.at)
    unit = unit_profit(
        ScenarioInputs(
            forward=greeks[GreekField.FORWARD],
            implied_vol=greeks[GreekField.IMPLIED_VOL],
            strike=universe.strike[rows],
            is_call=universe.is_call[rows],
            years=years,
        ),
        rate=market.rate,
    )
    are_futures = rows >= universe.option_count
    price = mid_paise(market.quotes)[are_futures] / _PAISE_PER_RUPEE
    unit[are_futures] = price[:, None, None] * np.array(SPOT_PERCENT)[:, None] / 100.0
    known = np.nan_to_num(np.concatenate([unit, np.zeros((1, *unit.shape[1:]))]), copy=False)
    total = np.zeros((count, *unit.shape[1:]))
    np.add.at(total, holdings.owner, holdings.quantity[:, None, None] * known[located.position])
    return total


def _sum_by(owner: Integers, amounts: Integers, count: int) -> Integers:
    """Sum integers exactly by owner; bincount would sum floats."""
    total = np.zeros(count, np.int64)
    np.add.at(total, owner, amounts)
    return total


def _rupees(half_paise: np.int64) -> Decimal:
    return to_paisa(Decimal(int(half_paise)) / _HALF_PAISE_PER_RUPEE)


def _grid(profit: Floats) -> ScenarioGrid:
    rows = tuple(tuple(round(value, 2) + 0.0 for value in row) for row in profit.tolist())
    return ScenarioGrid(SPOT_PERCENT, VOL_PERCENT, rows)
