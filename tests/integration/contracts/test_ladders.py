"""The ladders of resting orders, in memory and on PostgreSQL, beside all orders compared one by one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.exchange.ladders import ladders_of, start_of
from angel_x.domain.exchange.matching import crosses, touch_paise, triggered
from angel_x.domain.orders.order import RESTING, Order, OrderStatus, OrderType, Side
from angel_x.domain.quotes.quote import QUOTE
from angel_x.services.trading import reached_orders
from angel_x.services.trading.market_look import order_columns
from angel_x.services.trading.market_watch import MarketSight
from angel_x.services.trading.reached_orders import ReachedOrders
from tests.fakes.resting import MemoryResting
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import UNIVERSE, World

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

SYMBOLS = UNIVERSE.symbols[:3]
#: Few prices, so that many are equal to another one or to a quote.
PRICES = range(96, 105)


@dataclass
class Look:
    """A watch that sees these quotes, and a market that displays any size."""

    quotes: NDArray[np.void]
    moved: NDArray[np.int64] | None

    def look(self) -> MarketSight:
        fresh = np.ones(len(self.quotes), np.bool_)
        return MarketSight(UNIVERSE, self.quotes, fresh, self.moved)

    def note(self, sight: MarketSight, search_seconds: float = 0.0) -> None:
        raise NotImplementedError

    def take(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        raise NotImplementedError

    def left(self, _: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        return np.full(len(claims), 10**9)


def found(world: World, look: Look) -> list[int]:
    search = ReachedOrders(
        watch=look,  # type: ignore[arg-type]  # it has what is called
        orders=world.ladders,
        resting=MemoryResting(),
        liquidity=look,
        monotonic=lambda: 0.0,
    )
    return [order_id for page in search.pages(search.look()) for order_id in page]


def rank(orders: NDArray[np.void]) -> NDArray[np.int64]:
    price = np.where(orders["is_stopped"], orders["trigger"], orders["limit"])
    level = np.where(orders["is_buy"] == orders["is_stopped"], price, -price)
    return np.lexsort(
        (orders["time_priority"], level, orders["is_stopped"], orders["is_buy"], orders["row"])
    )


def one_by_one(
    orders: list[Order], quotes: NDArray[np.void], moved: NDArray[np.int64] | None
) -> list[int]:
    """Return the orders that the quotes reach, without ladders, by contract, side and rank."""
    columns = order_columns([o for o in orders if o.status in RESTING], UNIVERSE)
    columns["is_stopped"] &= [
        o.status is OrderStatus.TRIGGER_PENDING for o in orders if o.status in RESTING
    ]
    if moved is not None:
        columns = columns[np.isin(columns["row"], moved)]
    seen = quotes[columns["row"]]
    alive = triggered(columns, seen["last"])
    trades = crosses(columns, touch_paise(seen, columns["is_buy"]))
    wanted = columns[np.where(columns["is_stopped"], alive, trades)]
    ids: list[int] = wanted[rank(wanted)]["id"].tolist()
    return ids


def store(world: World, draw: np.random.Generator, count: int) -> list[Order]:
    user, statuses = world.account(), [*sorted(RESTING), *RESTING, OrderStatus.CANCELED]
    stored = []
    for _ in range(count):
        status = statuses[draw.integers(len(statuses))]
        is_stop = status is OrderStatus.TRIGGER_PENDING or bool(draw.integers(2))
        order_id = world.order(
            user,
            str(draw.choice(PRICES)),
            symbol=str(draw.choice(SYMBOLS)),
            side=Side.BUY if draw.integers(2) else Side.SELL,
            quantity=3 * LOT,
            filled_quantity=LOT if status is OrderStatus.PARTIALLY_FILLED else 0,
            order_type=OrderType.STOP_LIMIT if is_stop else OrderType.LIMIT,
            trigger_price=Decimal(str(draw.choice(PRICES))) if is_stop else None,
            status=status,
        )
        stored.append(world.row(order_id).order)
    return stored


def random_quotes(draw: np.random.Generator) -> NDArray[np.void]:
    quotes = np.zeros(len(UNIVERSE), QUOTE)
    for name in ("bid", "ask", "last"):
        quotes[name] = draw.choice([0, *PRICES], len(quotes)) * 100
    return quotes


def test_the_ladders_find_what_a_look_at_every_order_finds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(11)
    orders = store(world, draw, 120)
    reached = 0
    for round_ in range(40):
        quotes, moved = random_quotes(draw), draw.permutation(len(UNIVERSE))[: round_ % 7]
        for rows in (None, moved):
            monkeypatch.setattr(reached_orders, "_PAGE", int(draw.integers(1, 40)))
            ids = found(world, Look(quotes, rows))

            expected = one_by_one(orders, quotes, rows)
            assert sorted(ids) == sorted(expected)
            # Of each ladder in the same order; pages of several ladders take turns.
            ladder = {o.id: (o.symbol, o.side, o.status == "trigger_pending") for o in orders}
            assert sorted(ids, key=lambda i: ladder[i]) == sorted(expected, key=lambda i: ladder[i])
            reached += len(ids)
    assert reached > 500


def test_an_order_without_a_limit_and_a_sliced_one_are_on_no_ladder(world: World) -> None:
    user = world.account()
    world.order(user, status=OrderStatus.WORKING, slices=2, held=True)
    world.order(user, "99.00", status=OrderStatus.WORKING, slices=2, held=True)

    assert len(world.ladders.best(UNIVERSE, None)) == 0


def test_a_page_says_which_ladder_and_how_much(world: World) -> None:
    user = world.account()
    order_id = world.order(
        user,
        "99.05",
        symbol=SYMBOLS[1],
        side=Side.SELL,
        quantity=3 * LOT,
        filled_quantity=LOT,
        time_priority=77,
        status=OrderStatus.PARTIALLY_FILLED,
    )
    world.order(user, "99.00", symbol=SYMBOLS[0], status=OrderStatus.WORKING)
    row = UNIVERSE.rows[SYMBOLS[1]]
    quote = np.zeros(1, QUOTE)
    quote["bid"], quote["ask"], quote["last"] = 9_905, 9_910, 9_905
    ladders = ladders_of(np.array([row]), quote)

    page = world.ladders.page(UNIVERSE, ladders, start_of(len(ladders)), 5)

    sales = [(not ladder["is_buy"]) & (not ladder["is_stopped"]) for ladder in ladders]
    assert page.tolist() == [(sales.index(True), order_id, 9_905, 77, 2 * LOT)]
    assert world.ladders.best(UNIVERSE, ladders).tolist() == [(row, False, False, 9_905)]
    ladders["level"] -= 1
    assert len(world.ladders.best(UNIVERSE, ladders)) == 0


def test_the_ladders_of_a_contract_that_is_not_listed_have_no_row(world: World) -> None:
    world.order(world.account(), "99.00", status=OrderStatus.WORKING, symbol=SYMBOLS[1])
    other = type(UNIVERSE)(c for c in UNIVERSE.contracts if c.symbol != SYMBOLS[1])

    assert world.ladders.best(other, None)["row"].tolist() == [-1]
