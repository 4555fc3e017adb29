"""The strategies of an account by name, the books of its tags, and plans of strategies to trade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.portfolios.history import AccountMove
from angel_x.domain.portfolios.tags import TagBook, books_by_tag
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.strategies.answers import (
    StrategyList,
    StrategyPosition,
    TagReport,
    TagReports,
)
from angel_x.domain.strategies.leg import OptionLeg, legs_of
from angel_x.domain.strategies.payoff import Payoff, payoff
from angel_x.domain.strategies.recognition import recognize
from angel_x.domain.strategies.strategy import Strategy
from angel_x.domain.values.money import ZERO, to_paisa
from angel_x.errors import UnknownDay
from angel_x.services.accounts.leg_market import LegMarket, LegMarkets


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategies:
    """Reads the strategies of accounts; nothing is stored or locked."""

    #: Returns the open positions of an account.
    positions: Callable[[int], Sequence[PositionRecord]]
    #: Returns the moves of an account, oldest first.
    moves: Callable[[int], Iterable[AccountMove]]
    tariff: Callable[[], Tariff]
    markets: LegMarkets

    def held(self, user_id: int) -> StrategyList:
        """Return the strategies in the positions of an account, with their Greeks and payoffs."""
        positions = self.positions(user_id)
        units: dict[str, int] = {}
        costs: dict[str, Decimal] = {}
        for p in positions:
            units[p.symbol] = units.get(p.symbol, 0) + p.quantity
            costs[p.symbol] = costs.get(p.symbol, ZERO) + p.cost
        found = recognize(legs_of(units.items()))
        market = self.markets.read(list(units))
        averages = {s: costs[s] / quantity for s, quantity in units.items() if quantity}
        named = {leg.symbol for strategy in found.strategies for leg in strategy.legs}
        rest = {leg.symbol: leg.quantity for leg in found.rest}
        # A future is no option, and has no name.
        rest |= {s: n for s, n in units.items() if n and s not in named and s not in rest}
        return StrategyList(
            strategies=tuple(_position(each, averages, market) for each in found.strategies),
            rest=rest,
        )

    def by_tag(self, user_id: int) -> TagReports:
        """Return the book of each tag of the orders of an account, from its whole history.

        Raises:
            UnknownDay: No charges are known for a day of a fill.
        """
        try:
            books = books_by_tag(self.moves(user_id), self.tariff())
        except LookupError as error:
            raise UnknownDay(f"no charges are known: {error}") from error
        symbols = {p.symbol for book in books.values() for p in book.positions}
        market = self.markets.read(sorted(symbols))
        return TagReports(tags=tuple(_tag(tag, books[tag], market) for tag in sorted(books)))


def payoff_of(legs: Sequence[OptionLeg], cost: Decimal) -> Payoff | None:
    """Return the payoff of legs of one expiry, None where they expire on several days."""
    return payoff(legs, cost) if len({leg.expiry for leg in legs}) == 1 else None


def _position(
    strategy: Strategy, averages: Mapping[str, Decimal], market: LegMarket
) -> StrategyPosition:
    holdings = [
        (leg.symbol, leg.quantity, averages[leg.symbol] * leg.quantity) for leg in strategy.legs
    ]
    cost = to_paisa(sum((each for *_, each in holdings), ZERO))
    unrealised = market.unrealised(holdings)
    return StrategyPosition(
        strategy=strategy,
        cost=cost,
        unrealised_pnl=None if unrealised is None else to_paisa(unrealised),
        greeks=market.net_greeks(strategy.legs),
        payoff=payoff_of(strategy.legs, cost),
    )


def _tag(tag: str, book: TagBook, market: LegMarket) -> TagReport:
    positions = book.positions
    holdings = [(p.symbol, p.quantity, p.cost) for p in positions]
    legs = legs_of((p.symbol, p.quantity) for p in positions)
    unrealised = market.unrealised(holdings)
    return TagReport(
        tag=tag,
        open_contracts=len({p.symbol for p in positions}),
        realised_average_cost=book.realised_average_cost,
        realised_fifo=book.realised_fifo,
        charges=book.charges,
        unrealised_pnl=None if unrealised is None else to_paisa(unrealised),
        greeks=market.net_greeks(legs),
        strategies=recognize(legs).strategies,
    )
