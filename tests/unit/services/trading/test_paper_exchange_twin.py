"""The paper exchange against a twin that is written as plainly as possible.

The twin knows no arrays and shares no code with what it checks: loops over lists of records, whole
paise, fractions where a share is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from angel_x.domain.orders.order import ASKED, OrderStatus, Side, Validity
from tests.builders.paper import CALL, FULL_SECONDS, LOT, MAX_AGE_SECONDS, PUT, TICK, Exchange

_MOST_TICKS = 3
_STANDING = ("working", "partially_filled")
_RESTING = ("working", "trigger_pending", "partially_filled")


@dataclass
class TwinOrder:
    number: int
    symbol: str
    is_buy: bool
    leaves: int
    limit: int | None
    trigger: int | None
    is_ioc: bool
    status: str = "received"
    filled: int = 0
    #: Set once it has met the market and stands in it.
    rests: bool = False

    @property
    def rank(self) -> tuple[int, bool, int]:
        """The first in this order trades first."""
        assert self.limit is not None
        return -self.limit if self.is_buy else self.limit, not self.rests, self.number


@dataclass
class Twin:
    seed: int
    #: Whether a stop whose trigger has passed trades at once, and is not denied.
    triggers_at_once: bool
    clock: Callable[[], float]
    orders: list[TwinOrder] = field(default_factory=list)
    quotes: dict[str, dict[str, int]] = field(default_factory=dict)
    told_at: dict[str, float] = field(default_factory=dict)
    spot_at: float = 0.0
    #: Of each contract and side: the quote that was traded last, and how much of it.
    taken: dict[tuple[str, bool], tuple[tuple[int, ...], int]] = field(default_factory=dict)
    fills: list[tuple[int, int, int]] = field(default_factory=list)
    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    full_at: float = 0.0

    def is_fresh(self, symbol: str) -> bool:
        return symbol in self.quotes and self.clock() - self.told_at[symbol] <= MAX_AGE_SECONDS

    def reference(self, symbol: str) -> int:
        quote = self.quotes[symbol]
        if quote["last"]:
            return quote["last"]
        if quote["bid"] and quote["ask"]:
            return (quote["bid"] + quote["ask"]) // 2
        return max(quote["bid"], quote["ask"])

    def touch(self, order: TwinOrder) -> int:
        if not self.is_fresh(order.symbol):
            return 0
        quote = self.quotes[order.symbol]
        if quote["bid"] and quote["ask"] and quote["bid"] > quote["ask"]:
            return 0
        return quote["ask"] if order.is_buy else quote["bid"]

    def is_alive(self, order: TwinOrder) -> bool:
        if order.trigger is None or order.status in ("working", "partially_filled"):
            return True
        if not self.is_fresh(order.symbol):
            return False
        last = self.quotes[order.symbol]["last"]
        return last > 0 and (last >= order.trigger if order.is_buy else last <= order.trigger)

    def is_outside_band(self, order: TwinOrder) -> bool:
        if order.limit is None or not self.is_fresh(order.symbol):
            return False
        reference = self.reference(order.symbol)
        width = Fraction(2_000) if reference <= 5_000 else Fraction(reference) * 40 / 100
        return reference > 0 and abs(order.limit - reference) > width

    def protection(self, order: TwinOrder) -> int:
        reference = self.reference(order.symbol)
        percent = 5 if reference < 1_000 else 3 if reference < 10_000 else 2
        width = max(Fraction(reference * percent, 100), Fraction(2 * TICK))
        price = reference
        step = TICK if order.is_buy else -TICK
        # To the first tick in this direction, then on as far as it goes.
        price += -price % TICK if order.is_buy else -(price % TICK)
        while abs(price + step - reference) <= width and price + step > 0:
            price += step
        return price

    def taken_of(self, order: TwinOrder) -> int:
        """Return how much of the quote that stands has been taken on the side of this order."""
        quote, taken = self.taken.get((order.symbol, order.is_buy), ((), 0))
        return taken if quote == self.identity(order) else 0

    def left(self, order: TwinOrder) -> int:
        size = self.quotes[order.symbol]["ask_size" if order.is_buy else "bid_size"] or 1_800
        return size // LOT * LOT - self.taken_of(order)

    def identity(self, order: TwinOrder) -> tuple[int, ...]:
        quote, side = self.quotes[order.symbol], "ask" if order.is_buy else "bid"
        return quote[side], quote[f"{side}_size"], quote["volume"]

    def denial(self, order: TwinOrder) -> str | None:
        if not order.is_buy and self.clock() - self.spot_at > MAX_AGE_SECONDS:
            return "STALE_QUOTE"
        if order.limit is None:
            if order.symbol in self.quotes and not self.is_fresh(order.symbol):
                return "STALE_QUOTE"
            return None if self.touch(order) else "NO_QUOTE"
        return "PRICE_BAND" if self.is_alive(order) and self.is_outside_band(order) else None

    def trade(self, orders: list[TwinOrder]) -> None:
        """Give each order what is left for it, best first; the limits of all are set.

        What others may take that rest at a better or an equal price is left to them.
        """
        others = [o for o in self.orders if o.rests and o.status in _STANDING and o not in orders]
        left_to: dict[tuple[str, bool], int] = {}
        for order in sorted([*orders, *others], key=lambda o: o.rank):
            touch, key = self.touch(order), (order.symbol, order.is_buy)
            assert order.limit is not None
            if not touch or (touch > order.limit if order.is_buy else touch < order.limit):
                continue
            if order in others:
                left_to[key] = left_to.get(key, 0) + order.leaves
                continue
            units = min(order.leaves, self.left(order) - left_to.get(key, 0))
            if units <= 0:
                continue
            self.taken[key] = self.identity(order), self.taken_of(order) + units
            # A refused order has taken its share all the same.
            if not self.is_refused(order):
                self.fill(order, touch, units)

    def fill(self, order: TwinOrder, touch: int, units: int) -> None:
        assert order.limit is not None
        slip = slipped_ticks(self.seed, order.number, order.filled) * TICK
        worse = touch + slip if order.is_buy else touch - slip
        price = min(worse, order.limit) if order.is_buy else max(worse, order.limit)
        self.fills.append((order.number, units, order.limit if order.rests else price))
        order.leaves -= units
        order.filled += units
        order.status = "partially_filled" if order.leaves else "filled"

    def is_refused(self, order: TwinOrder) -> bool:
        """Return whether an order is a new stop whose trigger has passed."""
        return (
            order.trigger is not None and order.status == "received" and not self.triggers_at_once
        )

    def decide(self, orders: list[TwinOrder]) -> None:
        self.orders += orders
        candidates = []
        for order in orders:
            if self.denial(order):
                order.status = "denied"
                continue
            if order.limit is None:
                order.limit = self.protection(order)
            if self.is_alive(order):
                candidates.append(order)
            else:
                order.status = "canceled" if order.is_ioc else "trigger_pending"
        self.trade(candidates)
        for order in candidates:
            self.end(order)

    def end(self, order: TwinOrder) -> None:
        if self.is_refused(order):
            order.status = "denied"
        elif order.is_ioc and order.status != "filled":
            order.status = "canceled"
        elif order.status == "received":
            order.status = "working"
        order.rests = True

    def match(self) -> None:
        is_full = not self.full_at or self.clock() - self.full_at >= FULL_SECONDS
        if is_full:
            self.full_at = self.clock()
        moved = [s for s in self.quotes if is_full or self.quotes[s] != self.seen.get(s)]
        self.seen = {symbol: dict(quote) for symbol, quote in self.quotes.items()}
        resting = [o for o in self.orders if o.status in _RESTING and o.symbol in moved]
        candidates = []
        for order in resting:
            if not self.is_alive(order) or not self.is_fresh(order.symbol):
                continue
            if order.status == "trigger_pending":
                order.status = "working"
                if self.is_outside_band(order):
                    order.status = "rejected"
                    continue
            candidates.append(order)
        self.trade(candidates)
        for order in candidates:
            order.rests = True


def slipped_ticks(seed: int, number: int, filled: int) -> int:
    """Return SplitMix64 over seed, stream, order and progress, cut down to a number of ticks."""
    mask = 2**64 - 1
    state = seed * 2 + 1
    for part in (1, number, filled):
        state = (state + 0x9E3779B97F4A7C15 & mask) ^ part
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & mask
        state = (state ^ state >> 27) * 0x94D049BB133111EB & mask
        state ^= state >> 31
    return (state >> 11) * (_MOST_TICKS + 1) >> 53


_TICKS = st.integers(-8, 8).map(lambda n: n * TICK)
_SIZES = st.sampled_from([3 * LOT, 3 * LOT, LOT, 2 * LOT, 3 * LOT + 7, 6 * LOT, LOT - 1, 0])
_QUOTES = st.fixed_dictionaries(
    {
        "bid": st.sampled_from([10_000, 10_000, 4_900, 990]).flatmap(
            lambda price: _TICKS.map(lambda ticks: price + ticks)
        ),
        "spread": st.sampled_from([TICK, TICK, 5 * TICK, 10 * TICK, 80 * TICK, -5 * TICK]),
        "last": _TICKS | st.none(),
        "bid_size": _SIZES,
        "ask_size": _SIZES,
        "volume": st.sampled_from([0, LOT]),
        "empty": st.sampled_from([None, None, None, None, "bid", "ask"]),
    }
)
_ASKED = st.tuples(
    st.sampled_from([CALL, PUT]),
    st.sampled_from(Side),
    st.integers(1, 4),
    # Where its limit lies from the bid that stands; None for an order at market.
    _TICKS | _TICKS | st.none() | st.sampled_from([-6_000, -4_000, -2_000, 2_000, 4_000, 6_000]),
    # How far its trigger lies before its limit; None for an order that is no stop.
    st.none() | st.integers(0, 8).map(lambda n: n * TICK),
    st.sampled_from([Validity.DAY, Validity.DAY, Validity.DAY, Validity.IOC]),
)


def _exchange(seed: int) -> Exchange:
    """Return an exchange whose risk arrays never age: the twin knows no margin."""
    exchange = Exchange(slippage_ticks=_MOST_TICKS, seed=seed)
    exchange.sheets.max_age_seconds = math.inf
    return exchange


class PaperExchange(RuleBasedStateMachine):
    """Does the same to the exchange and to its twin, and compares all that can be seen."""

    @initialize(seed=st.integers(0, 2**32), call=_QUOTES, put=_QUOTES, at_once=st.booleans())
    def open(self, seed: int, call: dict[str, Any], put: dict[str, Any], *, at_once: bool) -> None:
        self.seed = seed
        self.history: list[tuple[str, tuple[Any, ...]]] = []
        self.exchange = _exchange(seed)
        self.do("allow", at_once)
        self.twin = Twin(seed, at_once, lambda: self.exchange.clock().timestamp())
        self.twin.spot_at = self.twin.clock()
        self.tell(CALL, call)
        self.tell(PUT, put)

    def do(self, name: str, *arguments: Any) -> None:
        self.history.append((name, arguments))
        _DEEDS[name](self.exchange, *arguments)

    @rule(symbol=st.sampled_from([CALL, PUT]), quote=_QUOTES, matches=st.booleans())
    def move(self, symbol: str, quote: dict[str, Any], *, matches: bool) -> None:
        self.tell(symbol, quote)
        if matches:
            self.match()

    def tell(self, symbol: str, drawn: dict[str, Any]) -> None:
        quote = dict(drawn)
        spread, empty = quote.pop("spread"), quote.pop("empty")
        quote["ask"] = quote["bid"] + spread
        quote["last"] = 0 if drawn["last"] is None else quote["bid"] + drawn["last"]
        quote["volume"] += self.twin.quotes.get(symbol, quote)["volume"]
        if empty is not None:
            quote[empty] = 0
        self.do("tell", symbol, quote)
        self.twin.quotes[symbol] = quote
        self.twin.told_at[symbol] = self.twin.clock()

    @rule(
        seconds=st.sampled_from([0.0, FULL_SECONDS, FULL_SECONDS, MAX_AGE_SECONDS + 1]),
        restates=st.sampled_from([True, True, False]),
    )
    def let_time_pass(self, seconds: float, *, restates: bool) -> None:
        self.do("wait", seconds)
        self.match()
        if restates:
            self.do("restate")
            self.twin.spot_at = self.twin.clock()
            for symbol in self.twin.quotes:
                self.twin.told_at[symbol] = self.twin.clock()

    @rule(asked=st.lists(_ASKED, min_size=2, max_size=6))
    def submit(self, asked: list[tuple[Any, ...]]) -> None:
        batch: list[TwinOrder] = []
        for symbol, side, lots, away, distance, validity in asked:
            limit = trigger = None
            if away is not None:
                limit = max(TICK, (self.twin.quotes[symbol]["bid"] or 10_000) + away)
            if limit is not None and distance is not None:
                trigger = max(TICK, limit - side.sign * distance)
            number = len(self.twin.orders) + len(batch) + 1
            is_ioc = validity is Validity.IOC
            batch.append(
                TwinOrder(number, symbol, side is Side.BUY, lots * LOT, limit, trigger, is_ioc)
            )
        prices = [(order.limit, order.trigger) for order in batch]
        self.do("submit", [*zip(asked, prices, strict=True)])
        self.twin.decide(batch)

    def match(self) -> None:
        self.do("match")
        self.twin.match()

    @precondition(lambda self: any(o.status in _RESTING for o in self.twin.orders))
    @rule(choice=st.randoms(use_true_random=False))
    def cancel(self, choice: Any) -> None:
        order = choice.choice([o for o in self.twin.orders if o.status in _RESTING])
        self.do("cancel", order.number)
        order.status = "canceled"

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "twin"):
            return
        seen = [(o.status.value, o.filled_quantity) for o in self.exchange.orders.values()]
        assert seen == [(o.status, o.filled) for o in self.twin.orders]
        # Within a batch the book keeps the order of the batch; by order they are the same.
        assert sorted(self.exchange.fills) == sorted(self.twin.fills)

    @invariant()
    def no_fill_is_beyond_its_limit(self) -> None:
        if not hasattr(self, "exchange"):
            return
        for number, _, price in self.exchange.fills:
            order = self.exchange.orders[number]
            assert order.limit_price is not None
            assert (order.limit_price * 100 - price) * order.side.sign >= 0

    def teardown(self) -> None:
        """The same deeds under the same seed come to the same end."""
        if not hasattr(self, "exchange"):
            return
        again = _exchange(self.seed)
        for name, arguments in self.history:
            _DEEDS[name](again, *arguments)
        assert again.fills == self.exchange.fills
        assert again.orders == self.exchange.orders


def _submit(
    exchange: Exchange, asked: list[tuple[tuple[Any, ...], tuple[int | None, int | None]]]
) -> None:
    exchange.decide(
        *(
            exchange.order(side, lots, limit, trigger, symbol, validity)
            for (symbol, side, lots, _, _, validity), (limit, trigger) in asked
        )
    )


_DEEDS: dict[str, Callable[..., object]] = {
    "allow": lambda exchange, at_once: exchange.trigger_at_once(allowed=at_once),
    "tell": lambda exchange, symbol, quote: exchange.quote(symbol, **quote),
    "restate": lambda exchange: exchange.restate(),
    "wait": lambda exchange, seconds: exchange.clock.advance(seconds),
    "submit": _submit,
    "match": lambda exchange: exchange.matching.run(),
    "cancel": lambda exchange, number: exchange.cancel(exchange.orders[number]),
}

TestPaperExchange = PaperExchange.TestCase
TestPaperExchange.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True
)


def test_every_end_of_an_order_is_known_to_the_twin() -> None:
    statuses = {s.value for s in OrderStatus} - {"expired", *ASKED}

    assert statuses == {"received", "denied", "rejected", "filled", "canceled", *_RESTING}
