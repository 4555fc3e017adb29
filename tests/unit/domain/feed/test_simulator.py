from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice

import numpy as np
import pytest

from angel_x.domain.contracts.contract import Right
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.chain_generator import generate_chain, generate_futures
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.feed.simulator import (
    MarketHabits,
    Simulator,
    central_strikes,
    monthly_chains,
)
from angel_x.domain.quotes.quote import QUOTE, mid_paise
from angel_x.errors import InvalidInput
from tests.builders.chains import make_universe
from tests.builders.markets import NOW, factory_on

UNIVERSE = Universe(generate_chain(factory_on(date(2026, 11, 23)), "NIFTY", Decimal(24_050)))
SPOTS = {"NIFTY": 24_057.0}


def simulator(seed: int = 7, habits: MarketHabits | None = None) -> Simulator:
    return Simulator(UNIVERSE, SPOTS, seed=seed, starts_at=NOW, habits=habits)


def take(source: Simulator, count: int) -> list[MarketMove]:
    return list(islice(source.moves(), count))


def same(left: MarketMove, right: MarketMove) -> bool:
    return (
        left.at == right.at
        and np.array_equal(left.rows, right.rows)
        and np.array_equal(left.quotes, right.quotes)
        and np.array_equal(left.spots, right.spots)
        and left.futures is not None
        and right.futures is not None
        and np.array_equal(left.futures, right.futures)
    )


def test_one_seed_makes_one_market() -> None:
    source = simulator()
    first, again, twin = take(source, 50), take(source, 50), take(simulator(), 50)

    assert all(map(same, first, again))
    assert all(map(same, first, twin))


def test_another_seed_makes_another_market() -> None:
    assert not all(map(same, take(simulator(1), 5), take(simulator(2), 5)))


def test_the_first_move_quotes_every_contract_on_both_sides_and_on_ticks() -> None:
    quotes = take(simulator(), 1)[0].quotes

    assert len(quotes) == len(UNIVERSE)
    assert (quotes["bid"] > 0).all()
    assert (quotes["ask"] > quotes["bid"]).all()
    assert ((quotes["last"] == quotes["bid"]) | (quotes["last"] == quotes["ask"])).all()
    for price in ("bid", "ask", "last"):
        assert (quotes[price] % UNIVERSE.tick_paise == 0).all()
    for amount in ("bid_size", "ask_size", "oi", "volume"):
        assert (quotes[amount] > 0).all()
        assert (quotes[amount] % UNIVERSE.lot_size == 0).all()


def test_there_is_more_to_trade_at_the_money_and_ten_lots_everywhere() -> None:
    quotes = take(simulator(), 1)[0].quotes
    distance = np.abs(UNIVERSE.strike - SPOTS["NIFTY"])
    lots = np.minimum(quotes["bid_size"], quotes["ask_size"]) // UNIVERSE.lot_size

    assert lots.min() >= 10
    assert lots[distance < 100].min() >= 70
    assert np.median(lots[distance < 100]) > 3 * np.median(lots[distance > 1_000])


@pytest.mark.parametrize("days_ahead", [0, 5, 7.99])
def test_no_strike_can_be_traded_against_its_neighbors(days_ahead: float) -> None:
    at = NOW + timedelta(days=days_ahead)
    move = take(Simulator(UNIVERSE, SPOTS, seed=3, starts_at=at), 1)[0]
    book = np.zeros(len(UNIVERSE), QUOTE)
    book[move.rows] = move.quotes

    live = [c for c in UNIVERSE.chains if UNIVERSE.expires_at[c.start] > at.timestamp()]
    assert live
    for chain in live:
        calls, puts = (book[chain.start : chain.stop][side::2] for side in (0, 1))
        # Buying one strike and selling the next never pays at once.
        assert (calls["ask"][:-1] >= calls["bid"][1:]).all()
        assert (puts["ask"][1:] >= puts["bid"][:-1]).all()
        # Nor does a butterfly: both wings bought, the middle sold twice.
        for side in (calls, puts):
            assert (side["ask"][:-2] + side["ask"][2:] >= 2 * side["bid"][1:-1]).all()


def test_calls_and_puts_of_an_expiry_agree_on_one_forward() -> None:
    quotes = take(simulator(), 1)[0].quotes
    chain = UNIVERSE.chains[0]
    mids = mid_paise(quotes[chain.start : chain.stop]) / 100.0
    strikes = UNIVERSE.strike[chain.start : chain.stop : 2]
    years = (UNIVERSE.expires_at[chain.start] - NOW.timestamp()) / (365 * 86_400)
    near = np.abs(strikes / 24_057.0 - 1.0) < 0.01

    forwards = strikes + np.exp(0.065 * years) * (mids[::2] - mids[1::2])

    assert np.abs(forwards[near] - 24_057.0 * np.exp(0.065 * years)).max() < 0.5


def test_the_spot_wanders_and_stays_near_its_beginning() -> None:
    spots = np.array([m.spots["last"][0] for m in take(simulator(), 2_000)]) / 100.0

    assert len(np.unique(spots)) > 500
    assert np.abs(np.diff(spots)).max() < 5.0
    assert np.abs(spots / 24_057.0 - 1.0).max() < 0.02


def test_most_quotes_move_near_the_money_and_every_contract_has_its_turn() -> None:
    counts = np.zeros(len(UNIVERSE))
    for move in take(simulator(), 501)[1:]:
        counts[move.rows] += 1

    far = np.abs(UNIVERSE.strike / 24_057.0 - 1.0) > 0.06
    near = np.abs(UNIVERSE.strike / 24_057.0 - 1.0) < 0.003
    assert counts.min() > 0
    assert counts[near].mean() > 10 * counts[far].mean()


def test_market_time_advances_by_the_step() -> None:
    habits = MarketHabits(step=timedelta(seconds=2))

    assert [m.at for m in take(simulator(habits=habits), 3)] == [
        NOW,
        NOW + timedelta(seconds=2),
        NOW + timedelta(seconds=4),
    ]


def test_volume_only_grows() -> None:
    volume = np.zeros(len(UNIVERSE), np.int64)
    moves = take(simulator(), 100)
    assert sum(len(move.rows) for move in moves) > len(UNIVERSE)
    for move in moves:
        assert (move.quotes["volume"] > volume[move.rows]).all()
        volume[move.rows] = move.quotes["volume"]


def test_an_expired_contract_is_not_quoted() -> None:
    first = UNIVERSE.chains[0]
    closes = datetime.fromtimestamp(UNIVERSE.expires_at[first.start], UTC)
    habits = MarketHabits(step=timedelta(seconds=1))
    source = Simulator(
        UNIVERSE, SPOTS, seed=1, starts_at=closes - timedelta(seconds=1), habits=habits
    )

    before, *after = take(source, 20)

    assert before.rows[0] == first.start
    assert all((move.rows >= first.stop).all() for move in after)
    assert sum(len(move.rows) for move in after) > 0


def test_each_underlying_has_a_spot_of_its_own() -> None:
    universe = make_universe(("BANKNIFTY", "NIFTY"))
    source = Simulator(
        universe,
        {"NIFTY": 24_000.0, "BANKNIFTY": 23_500.0},
        seed=1,
        starts_at=datetime(2026, 8, 19, 7, tzinfo=UTC),
    )

    assert take(source, 1)[0].spots["last"].tolist() == [2_350_000, 2_400_000]


def test_the_middle_strike_is_where_a_spot_begins() -> None:
    assert central_strikes(UNIVERSE) == {"NIFTY": 24_050.0}
    assert central_strikes(Universe([])) == {}


def test_a_future_stands_beside_the_last_expiry_of_a_month_only() -> None:
    days = [date(2026, 12, 8), date(2026, 12, 29), date(2027, 1, 5), date(2027, 1, 25)]
    universe = make_universe(("BANKNIFTY", "NIFTY"), days, (24_000,))

    assert [universe.chains[n].expiry for n in monthly_chains(universe)] == [days[1], days[3]] * 2


def test_a_month_whose_last_expiry_is_not_listed_has_no_future() -> None:
    universe = make_universe(expiries=[date(2026, 11, 30), date(2026, 12, 15)], strikes=(24_000,))

    assert monthly_chains(universe).tolist() == [0]


def test_a_future_is_quoted_on_the_forward_until_it_expires() -> None:
    universe = make_universe(expiries=[date(2026, 8, 25), date(2026, 9, 1)], strikes=(24_000,))
    closes = datetime.fromtimestamp(universe.expires_at[0], UTC)
    source = Simulator(
        universe, {"NIFTY": 24_000.0}, seed=1, starts_at=closes - timedelta(seconds=0.1)
    )

    before, after = take(source, 2)

    assert before.futures is not None
    assert after.futures is not None
    bid, last, ask = (before.futures[side][0] for side in ("bid", "last", "ask"))
    assert bid < last < ask
    assert abs(last - 2_400_000) <= 5
    assert before.futures["last"][1] == 0
    assert not after.futures["last"].any()


def test_a_simulator_that_is_sought_goes_on_from_its_spots_at_another_time() -> None:
    source = simulator()
    before = take(source, 20)[-1]
    later = NOW + timedelta(days=3)

    first, second = islice(source.moves(later), 2)

    assert (first.at, second.at) == (later, later + source.cadence)
    assert len(first.rows) == len(UNIVERSE)
    assert first.spots.tolist() == before.spots.tolist()


def test_another_universe_goes_on_from_the_spots_and_the_volumes_of_the_one_before() -> None:
    source = Simulator(UNIVERSE, central_strikes(UNIVERSE), seed=7, starts_at=NOW)
    before = take(source, 40)[-1]
    volume = np.zeros(len(UNIVERSE), np.int64)
    for move in take(source, 40):
        volume[move.rows] = move.quotes["volume"]
    nearest = Universe(c for c in UNIVERSE.contracts if c.expiry == UNIVERSE.chains[0].expiry)
    new = [
        replace(c, underlying="FINNIFTY", symbol=f"FIN{c.symbol}") for c in nearest.contracts[:10]
    ]
    wider = Universe([*nearest.contracts, *new])

    other = source.relisted(wider)
    first = next(other.moves(before.at))

    assert other.universe is wider
    assert first.at == before.at
    assert first.spots["last"].tolist() == [
        int(central_strikes(wider)["FINNIFTY"]) * 100,
        before.spots["last"][0],
    ]
    assert len(first.rows) == len(wider)
    traded = first.quotes["volume"][nearest.rows_in(wider)] - volume[nearest.rows_in(UNIVERSE)]
    assert (traded > 0).all()
    assert (traded <= 39 * nearest.lot_size).all()


def test_an_underlying_that_is_listed_around_another_spot_begins_there() -> None:
    source = simulator()
    take(source, 5)

    first = next(source.relisted(make_universe(strikes=(26_000,))).moves(NOW))

    assert first.spots["last"].tolist() == [2_600_000]


def test_a_contract_of_both_universes_keeps_its_price_though_the_middle_strike_moves() -> None:
    source = simulator()
    before = take(source, 20)[-1]
    held = UNIVERSE.contracts[0]
    far = [
        replace(
            held,
            strike=Decimal(strike),
            symbol=f"NIFTY_{held.expiry:%d%b%y}_{strike}CE".upper(),
            right=Right.CALL,
        )
        for strike in range(30_000, 31_000, 50)
    ]
    other = Universe([*UNIVERSE.contracts, *far])

    assert central_strikes(other) != central_strikes(UNIVERSE)
    first = next(source.relisted(other).moves(before.at))

    assert first.spots["last"].tolist() == before.spots["last"].tolist()


def test_a_listed_future_is_quoted_a_tick_around_its_forward_in_every_move() -> None:
    factory = factory_on(date(2026, 11, 23))
    universe = Universe([*UNIVERSE.contracts, *generate_futures(factory, "NIFTY")])
    source = Simulator(universe, SPOTS, seed=7, starts_at=NOW)
    *_, last = take(source, 20)

    futures = last.quotes[last.rows >= universe.option_count]
    rows = last.rows[last.rows >= universe.option_count]
    years = (universe.expires_at[rows] - last.at.timestamp()) / (365 * 86_400)
    forward = float(last.spots["last"][0]) * np.exp(MarketHabits().carry * years)
    assert len(rows)
    assert np.all(np.abs(mid_paise(futures) - forward) <= 15)
    assert np.all(futures["ask"] - futures["bid"] <= 30)
    assert np.all(futures["bid_size"] % 65 == 0)


def test_an_underlying_of_futures_only_has_no_price_to_begin_at() -> None:
    futures = generate_futures(factory_on(date(2026, 11, 23)), "NIFTY")

    with pytest.raises(InvalidInput, match="options of an underlying must be listed"):
        central_strikes(Universe(futures))


def test_futures_do_not_move_the_middle_strike() -> None:
    futures = generate_futures(factory_on(date(2026, 11, 23)), "NIFTY")

    assert central_strikes(Universe([*UNIVERSE.contracts, *futures])) == central_strikes(UNIVERSE)
