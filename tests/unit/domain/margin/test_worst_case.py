"""What books need: spreads, straddles, condors and calendars, and whatever Hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.margin.losses import SCENARIO_COUNT
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk
from angel_x.domain.margin.worst_case import FLAT, Bounds, Requirement, WorstCase
from tests.builders.risk_units import (
    FAR,
    NEAR,
    TODAY,
    future,
    invented,
    invented_future,
    naive_requirement,
    option,
)

LOT = 65
UNITS = {
    f"{strike}{right} {name}": option(strike, right, expiry)
    for strike in (23_400, 23_700, 24_000, 24_300, 24_600)
    for right in ("CE", "PE")
    for name, expiry in (("near", NEAR), ("far", FAR))
}


def required(book: Mapping[str, int], units: Mapping[str, UnitRisk] = UNITS) -> Requirement:
    worst = WorstCase()
    for symbol, quantity in book.items():
        worst.add(units[symbol], FLAT, quantity)
    return worst.required()


def rupees(book: Mapping[str, int]) -> float:
    return required(book).total / STEPS


SHORT_CALL = {"24000CE near": -LOT}
CALL_SPREAD = {"24000CE near": -LOT, "24300CE near": LOT}
STRADDLE = {"24000CE near": -LOT, "24000PE near": -LOT}
CONDOR = {
    "23700PE near": -LOT,
    "23400PE near": LOT,
    "24300CE near": -LOT,
    "24600CE near": LOT,
}
CALENDAR = {"24000CE near": -LOT, "24000CE far": LOT}


@pytest.mark.parametrize(
    "book",
    [SHORT_CALL, CALL_SPREAD, STRADDLE, CONDOR, CALENDAR, {"24000CE far": -LOT, **STRADDLE}],
    ids=["naked", "spread", "straddle", "condor", "calendar", "two expiries"],
)
def test_known_books_need_what_the_naive_twin_says(book: dict[str, int]) -> None:
    assert required(book).total == naive_requirement(UNITS, book)
    assert rupees(book) > 0


def test_what_is_only_long_needs_nothing() -> None:
    assert required(dict.fromkeys(UNITS, LOT)).total == 0


def test_a_spread_needs_little_more_than_it_can_lose() -> None:
    needs = required(CALL_SPREAD)
    exposure = 0.02 * 24_000 * LOT

    assert needs.exposure / STEPS == exposure
    assert exposure < needs.total / STEPS < 300 * LOT + exposure
    assert needs.total < required(SHORT_CALL).total / 3


def test_a_straddle_needs_the_worse_of_its_sides_and_both_exposures() -> None:
    naked, both = required(SHORT_CALL), required(STRADDLE)

    assert both.exposure == 2 * naked.exposure
    assert naked.scan * 0.8 < both.scan < naked.scan * 1.2


def test_a_condor_needs_one_of_its_wings() -> None:
    wings = [{s: q for s, q in CONDOR.items() if s[5:7] == right} for right in ("CE", "PE")]
    exposure = required(CONDOR).exposure / STEPS

    assert rupees(CONDOR) - exposure < 300 * LOT
    assert rupees(CONDOR) < sum(rupees(wing) for wing in wings)


def test_a_calendar_is_charged_for_the_delta_that_the_expiries_offset() -> None:
    needs = required(CALENDAR)
    delta = needs.calendar / STEPS / (0.0175 * 24_000 * LOT)

    assert 0.4 < delta < 0.7
    assert needs.total < required(SHORT_CALL).total


def test_what_expires_today_is_offset_by_no_other_expiry() -> None:
    units = {
        "short": option(24_000, "CE", NEAR, today=NEAR),
        "long": option(24_000, "CE", FAR, today=NEAR),
    }

    hedged = required({"short": -LOT, "long": LOT}, units)

    assert hedged.calendar == 0
    assert hedged.total == required({"short": -LOT}, units).total


def test_the_addition_of_the_day_of_expiry_is_a_part_of_its_own() -> None:
    last = required({"short": -LOT}, {"short": option(24_000, "CE", NEAR, today=NEAR)})
    before = required({"24000CE near": -LOT})

    assert before.expiry_day == 0
    assert last.expiry_day == last.exposure == before.exposure
    assert last.total == last.scan - last.net_option_value + last.exposure + last.expiry_day


def test_two_shorts_whose_deltas_agree_are_charged_for_no_calendar() -> None:
    book = {"24600CE near": -LOT, "24600CE far": -LOT}

    assert required(book).calendar == 0
    assert required(book).total <= sum(required({s: q}).total for s, q in book.items())


def test_the_calendar_charge_is_on_the_smaller_of_the_net_deltas() -> None:
    # Nothing of the far straddle is offset: its own deltas nearly cancel out.
    straddle = {"24000CE far": -LOT, "24000PE far": -LOT}
    charged = required({"24000CE near": -LOT, **straddle}).calendar
    net = abs(sum(UNITS[s].spread * q for s, q in straddle.items()))

    assert charged <= net < required(CALENDAR).calendar


def test_a_purchase_may_need_margin_where_it_offsets_another_expiry() -> None:
    # It is worth nothing in any scenario and brings only delta.
    worthless = invented(0, [0] * SCENARIO_COUNT, 0, 200, FAR, is_last=False)
    short = invented(1000, [3000] * SCENARIO_COUNT, 50, 400, NEAR, is_last=False)
    units = {"short": short, "long": worthless}

    assert required({"short": -1}, units).total == 3050
    assert required({"short": -1, "long": 1}, units).total == 3250
    resting = WorstCase()
    resting.add(short, FLAT, -1)
    resting.add(worthless, FLAT, 0, buys=1)
    assert resting.required().total == 3250


FUTURES = UNITS | {"future near": future(NEAR), "future far": future(FAR)}


@pytest.mark.parametrize("units", [LOT, -LOT])
def test_a_future_needs_its_scan_range_and_exposure_on_either_side(units: int) -> None:
    needs = required({"future near": units}, FUTURES)

    # 9.3 % of the spot of 24,000, which is more than 35 % of twice that, and 2 % of the price of 24,100.
    assert needs.scan == 2_232 * LOT * STEPS
    assert needs.exposure == 482 * LOT * STEPS
    assert (needs.calendar, needs.net_option_value, needs.expiry_day) == (0, 0, 0)
    assert needs.total == needs.scan + needs.exposure


def test_two_futures_of_a_calendar_spread_pay_the_charge_and_both_exposures() -> None:
    needs = required({"future near": LOT, "future far": -LOT}, FUTURES)

    assert needs.scan == 0
    assert needs.calendar == 420 * LOT * STEPS
    assert needs.exposure == 2 * 482 * LOT * STEPS
    assert needs.total == needs.calendar + needs.exposure


def test_a_put_protects_a_future_of_its_expiry() -> None:
    naked = required({"future near": LOT}, FUTURES)
    hedged = required({"future near": LOT, "24000PE near": LOT}, FUTURES)

    assert naked.exposure < hedged.total < naked.total * 0.5


def test_a_future_offsets_the_delta_of_options_of_another_expiry() -> None:
    book = {"future far": LOT, "24000CE near": -LOT}

    assert required(book, FUTURES).calendar == UNITS["24000CE near"].spread * LOT


def test_a_resting_order_in_a_future_is_margined_on_the_side_that_costs_more() -> None:
    worst = WorstCase()
    worst.add(FUTURES["future near"], FLAT, LOT, buys=LOT, sells=3 * LOT)

    assert worst.required().total == required({"future near": -2 * LOT}, FUTURES).total
    assert worst.at_risk == 2 * LOT


_amounts = st.integers(0, 2_000)
_days = st.sampled_from([date(2026, 8, 19), date(2026, 8, 25), date(2026, 9, 1)])


@st.composite
def _unit(draw: st.DrawFn) -> UnitRisk:
    expiry = draw(_days)
    values = draw(st.lists(_amounts, min_size=SCENARIO_COUNT, max_size=SCENARIO_COUNT))
    mark, charge, spread = draw(_amounts), draw(st.integers(1, 50)), draw(st.integers(-300, 300))
    is_last = expiry == date(2026, 8, 19)
    if draw(st.booleans()):
        return invented_future(values, charge, abs(spread), expiry, is_last=is_last)
    return invented(mark, values, charge, spread, expiry, is_last=is_last)


_units = st.dictionaries(st.sampled_from("ABCDE"), _unit(), min_size=1)
_quantities = st.integers(-8, 8)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(_units, st.data())
def test_any_book_needs_what_the_naive_twin_says_however_it_came_about(
    units: dict[str, UnitRisk], drawn: st.DataObject
) -> None:
    moves = drawn.draw(
        st.lists(st.tuples(st.sampled_from(sorted(units)), _quantities), max_size=12)
    )
    worst, book = WorstCase(), dict.fromkeys(units, 0)
    for symbol, change in moves:
        worst.add(units[symbol], Bounds(book[symbol], book[symbol]), change)
        book[symbol] += change

    held = {s: q for s, q in book.items() if q}
    assert worst.required().total == naive_requirement(units, held) if held else True
    assert worst.required().total == required(book, units).total >= 0
    assert worst.at_risk == sum(
        abs(q) if units[s].is_future else -min(q, 0) for s, q in book.items()
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_units, st.data())
def test_positions_that_are_added_together_need_as_much_as_one_after_the_other(
    units: dict[str, UnitRisk], drawn: st.DataObject
) -> None:
    lasting = [unit for unit in units.values() if not unit.is_last_day]
    nets = [drawn.draw(_quantities) for _ in lasting]
    together, single = WorstCase(), WorstCase()
    together.hold(lasting, nets)
    for unit, net in zip(lasting, nets, strict=True):
        single.add(unit, FLAT, net)

    assert together.required() == single.required()
    assert together.at_risk == single.at_risk


@settings(max_examples=400, deadline=None, derandomize=True)
@given(_units, st.data())
def test_no_subset_of_the_resting_orders_needs_more_than_the_worst_case(
    units: dict[str, UnitRisk], drawn: st.DataObject
) -> None:
    worst = WorstCase()
    short, some = {}, {}
    for symbol, unit in units.items():
        net = drawn.draw(_quantities)
        orders = drawn.draw(st.lists(_quantities, max_size=4))
        buys, sells = sum(max(q, 0) for q in orders), -sum(min(q, 0) for q in orders)
        worst.add(unit, FLAT, net, buys, sells)
        short[symbol] = net - sells
        some[symbol] = net + sum(drawn.draw(st.sampled_from([0, q])) for q in orders)

    assert required(some, units).total <= worst.required().total
    assert required(short, units).total <= worst.required().total


def test_no_random_book_of_three_expiries_is_asked_for_less_than_the_formula() -> None:
    random = Random(17_494)
    strikes = range(23_000, 25_001, 250)
    days = (TODAY + timedelta(days=7), TODAY + timedelta(days=14), TODAY + timedelta(days=42))
    units = {
        f"{strike}{right} {day}": option(strike, right, day)
        for strike in strikes
        for right in ("CE", "PE")
        for day in days
    }
    for _ in range(500):
        book = {s: LOT * random.randint(-3, 3) for s in random.sample(sorted(units), 6)}
        held = {s: q for s, q in book.items() if q}
        asked, formula = required(book, units).total, naive_requirement(units, held)
        assert asked == formula, book
