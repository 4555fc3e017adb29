from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.contracts.contract import Right
from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.domain.pricing.greek import GREEK_NAMES
from angel_x.domain.records.margin_record import MarginEstimate
from angel_x.domain.workflows.basket import BasketRecord, BasketResult, OnRefusal
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.views.basket import (
    estimate_figures,
    leg_text,
    payoff_chart,
    standing,
)
from angel_x.entrypoints.desk.views.chain import (
    BUY_CALL,
    BUY_PUT,
    COLUMNS,
    SELL_CALL,
    SELL_PUT,
    ChainRows,
    summary,
)
from angel_x.entrypoints.desk.views.legs import STRATEGIES, ChosenLeg, added, clicked, strategy
from angel_x.entrypoints.desk.views.payoff import figures, payoff
from angel_x.entrypoints.desk.views.table import Row
from angel_x.entrypoints.desk.views.words import NONE, Tone
from tests.fakes.desk_api import NOW, make_order, make_position

EXPIRY = date(2026, 8, 25)
STRIKES = range(23700, 24350, 50)
PLACES = {column.name: place for place, column in enumerate(COLUMNS)}


def contract(strike: int, right: Right, **changes: Any) -> ContractGreeks:
    row = ContractGreeks(
        symbol=f"NIFTY_25AUG26_{strike}{right}",
        strike=Decimal(strike),
        right=right,
        expiry=EXPIRY,
        bid=Decimal(100),
        ask=Decimal(101),
        last=Decimal("100.50"),
        oi=1234567,
        volume=65000,
        implied_vol=0.132,
        **dict.fromkeys(GREEK_NAMES, 0.5),
        price=Decimal("100.50"),
        forward=Decimal(24010),
        forward_source="parity",
        age_seconds=1.0,
        quote_age_seconds=0.4,
        status="ok",
    )
    return replace(row, **changes)


def make_chain(**changes: Any) -> OptionChain:
    chain = OptionChain(
        underlying="NIFTY",
        spot=Decimal("24002.10"),
        spot_age_seconds=0.2,
        forward=Decimal(24010),
        forward_source="parity",
        atm_vol=0.131,
        expiry=EXPIRY,
        lot_size=65,
        expiries=(EXPIRY,),
        age_seconds=1.2,
        rows=tuple(contract(s, r) for s in STRIKES for r in (Right.CALL, Right.PUT)),
    )
    return replace(chain, **changes)


def text(row: Row, name: str) -> str:
    each = row.cells[PLACES[name]]
    return each if isinstance(each, str) else each[0]


def leg(strike: int, right: Right, side: Side, price: str, lots: int = 1) -> ChosenLeg:
    return ChosenLeg(
        symbol=f"NIFTY_25AUG26_{strike}{right}",
        strike=Decimal(strike),
        right=right,
        side=side,
        lots=lots,
        lot_size=65,
        price=Decimal(price),
    )


CONDOR = (
    leg(23700, Right.PUT, Side.BUY, "20"),
    leg(23850, Right.PUT, Side.SELL, "50"),
    leg(24150, Right.CALL, Side.SELL, "50"),
    leg(24300, Right.CALL, Side.BUY, "20"),
)


def test_the_row_of_a_strike_has_its_call_and_its_put() -> None:
    chain = make_chain(
        rows=(
            contract(24000, Right.CALL, bid=Decimal("210.05"), oi=650),
            contract(24000, Right.PUT, ask=Decimal("190.95"), oi=130),
        )
    )

    (row,) = ChainRows().of(chain, [], most=31)

    assert len(row.cells) == len(COLUMNS)
    assert (text(row, "call_oi"), text(row, "call_bid"), text(row, "symbol")) == (
        "650",
        "210.05",
        "24000",
    )
    assert (text(row, "put_bid"), text(row, "put_ask"), text(row, "put_oi")) == (
        "100.00",
        "190.95",
        "130",
    )
    assert (text(row, "call_vol"), text(row, "put_delta")) == ("13.2", "0.50")


def test_only_the_rows_whose_facts_have_changed_are_written_again() -> None:
    rows, chain = ChainRows(), make_chain()
    first = rows.of(chain, [], most=31)
    moved = tuple(
        replace(each, bid=Decimal(90)) if each.strike == 24100 else replace(each, age_seconds=9.0)
        for each in chain.rows
    )

    second = rows.of(replace(chain, rows=moved), [], most=31)

    changed = [new.id for old, new in zip(first, second, strict=True) if old is not new]
    assert changed == ["24100"]
    assert text(second[STRIKES.index(24100)], "put_bid") == "90.00"


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "NIFTY_25AUG26_24000XX"},
        {"oi": 1},
        {"volume": 1},
        {"implied_vol": 0.2},
        {"delta": 0.1},
        {"last": Decimal(1)},
        {"bid": Decimal(1)},
        {"ask": Decimal(1)},
        {"status": "no_quote"},
        {"age_seconds": 11.0},
        {"quote_age_seconds": 11.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_fact_of_a_contract_is_told_anew(changes: dict[str, Any]) -> None:
    rows, shown = ChainRows(), contract(24000, Right.CALL)
    (before,) = rows.of(make_chain(rows=(shown,)), [], most=31)
    (after,) = rows.of(make_chain(rows=(replace(shown, **changes),)), [], most=31)

    assert after.cells != before.cells


def test_a_new_position_and_a_moved_forward_are_told_anew() -> None:
    rows, held = ChainRows(), make_position(symbol=f"NIFTY_25AUG26_24000{Right.CALL}")
    before = rows.of(make_chain(), [], most=31)[STRIKES.index(24000)]
    with_position = rows.of(make_chain(), [held], most=31)[STRIKES.index(24000)]
    moved = rows.of(make_chain(forward=Decimal(23800)), [], most=31)[STRIKES.index(24000)]

    assert len({before.cells[0], str(with_position.cells[0])}) == 2
    assert (before.tone, moved.tone) == ("ax-atm", "")


def test_strikes_around_the_money_are_shown_and_the_nearest_is_marked() -> None:
    rows = ChainRows().of(make_chain(), [], most=5)

    assert [row.id for row in rows] == ["23900", "23950", "24000", "24050", "24100"]
    assert [row.id for row in rows if row.tone] == ["24000"]


def test_without_a_price_of_the_underlying_all_strikes_are_shown_and_none_is_marked() -> None:
    rows = ChainRows().of(make_chain(forward=None, spot=None), [], most=5)

    assert len(rows) == len(STRIKES)
    assert {row.tone for row in rows} == {""}


def test_positions_are_marked_at_their_contract() -> None:
    held = make_position("NIFTY_25AUG26_24000PE", quantity=-130)

    rows = {row.id: row for row in ChainRows().of(make_chain(), [held, held], most=31)}

    assert text(rows["24000"], "put_held") == "\N{MINUS SIGN}260"
    assert text(rows["24000"], "call_held") == ""


def test_a_contract_that_is_missing_or_not_quoted_shows_no_number() -> None:
    chain = make_chain(rows=(contract(24000, Right.CALL, bid=None, oi=None, implied_vol=None),))

    (row,) = ChainRows().of(chain, [], most=31)

    assert [text(row, name) for name in ("call_bid", "call_oi", "call_vol")] == [NONE] * 3
    assert [text(row, name) for name in ("put_bid", "put_oi")] == ["", ""]


def test_an_old_quote_is_gray() -> None:
    chain = make_chain(rows=(contract(24000, Right.CALL, quote_age_seconds=40.0),))

    (row,) = ChainRows().of(chain, [], most=31)

    assert row.cells[PLACES["call_ask"]] == [
        "101.00",
        "ax-muted",
        "NIFTY_25AUG26_24000CE, quote 40 s old",
    ]


def test_the_summary_has_the_ages_of_its_sources() -> None:
    assert dict(summary(make_chain())) == {
        "Spot": "24,002.10",
        "Forward": "24,010.00 (parity)",
        "ATM vol": "13.1",
        "Lot": "65",
        "Quotes": "spot 0.2 s old",
        "Greeks": "1 s old",
    }


@pytest.mark.parametrize(
    ("act", "right", "side", "price"),
    [
        (BUY_CALL, Right.CALL, Side.BUY, "101"),
        (SELL_CALL, Right.CALL, Side.SELL, "100"),
        (BUY_PUT, Right.PUT, Side.BUY, "101"),
        (SELL_PUT, Right.PUT, Side.SELL, "100"),
    ],
)
def test_a_click_buys_at_the_ask_and_sells_at_the_bid(
    act: str, right: Right, side: Side, price: str
) -> None:
    assert clicked(make_chain(), "24000", act) == leg(24000, right, side, price)


def test_a_click_without_a_quote_is_refused_with_the_reason() -> None:
    chain = make_chain(rows=(contract(24000, Right.CALL, ask=None),))

    assert clicked(chain, "24000", BUY_CALL) == "NIFTY_25AUG26_24000CE has no ask to trade at."
    assert clicked(chain, "24000", SELL_PUT) == "No PE is listed at 24000."
    assert clicked(chain, "1", BUY_CALL) == "This strike is not listed."


def test_the_same_leg_again_is_one_more_lot() -> None:
    one = leg(24000, Right.CALL, Side.BUY, "101")
    other = leg(24000, Right.CALL, Side.SELL, "100")

    assert added(added((one,), other), one) == (replace(one, lots=2), other)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_finds_its_legs(name: str) -> None:
    legs = strategy(make_chain(), name)

    assert isinstance(legs, tuple)
    assert [(each.right, each.side) for each in legs] == [
        (right, side) for right, side, _ in STRATEGIES[name]
    ]
    assert {each.as_order()["quantity"] for each in legs} == {65}


def test_a_strategy_that_the_chain_cannot_hold_is_refused_with_the_reason() -> None:
    narrow = make_chain(rows=make_chain().rows[:4])

    assert "too few strikes" in str(strategy(narrow, "Iron condor"))
    assert "not known" in str(strategy(make_chain(forward=None, spot=None), "Long straddle"))


def test_a_condor_gains_its_premium_and_loses_the_width_less_it() -> None:
    found = payoff(CONDOR)

    assert found.premium == Decimal(60 * 65)
    assert (found.most_gain, found.most_loss) == (Decimal(60 * 65), Decimal(-90 * 65))
    assert found.break_evens == (Decimal(23790), Decimal(24210))


@pytest.mark.parametrize(
    ("legs", "gain", "loss", "break_evens"),
    [
        ([leg(24000, Right.CALL, Side.BUY, "100")], None, -6500, [24100]),
        ([leg(24000, Right.CALL, Side.SELL, "100")], 6500, None, [24100]),
        ([leg(24000, Right.PUT, Side.BUY, "100")], 23900 * 65, -6500, [23900]),
        (
            [
                leg(24000, Right.CALL, Side.SELL, "100"),
                leg(24000, Right.PUT, Side.SELL, "100"),
            ],
            13000,
            None,
            [23800, 24200],
        ),
        ([leg(100, Right.CALL, Side.BUY, "150")], None, -9750, [250]),
    ],
)
def test_gain_loss_and_break_evens_are_exact(
    legs: list[ChosenLeg], gain: int | None, loss: int | None, break_evens: list[int]
) -> None:
    found = payoff(legs)

    assert (found.most_gain, found.most_loss) == (gain, loss)
    assert list(found.break_evens) == break_evens


def test_a_basket_that_costs_nothing_and_gains_nothing_breaks_even_nowhere() -> None:
    both = [leg(24000, Right.CALL, side, "100") for side in (Side.BUY, Side.SELL)]

    assert payoff(both).most_gain == payoff(both).most_loss == 0
    assert payoff([]).points == ()


def test_an_unlimited_loss_is_named() -> None:
    told = dict(figures(payoff([leg(24000, Right.CALL, Side.SELL, "100")])))

    assert told["Most loss"].text == "unlimited"
    assert told["Most gain"].text == "▲ +₹6,500.00"
    assert told["Break-even"].text == "24,100.00"
    assert told["Premium received"].text == "₹6,500.00"


def test_the_chart_shows_the_corners_and_the_break_evens() -> None:
    found = payoff(CONDOR)
    chart = payoff_chart(found, Decimal(24000))

    assert chart.options is not None
    (line,) = chart.options["series"]
    assert line["data"] == [[float(x), float(y)] for x, y in found.points]
    # A piece without both ends raises an error in the library of charts.
    assert all({"min", "max"} < piece.keys() for piece in chart.options["visualMap"]["pieces"])
    assert [mark["xAxis"] for mark in line["markLine"]["data"]] == [23790.0, 24210.0, 24000.0]


def test_a_leg_is_named_with_units_and_limit() -> None:
    assert leg_text(CONDOR[1]) == "SELL NIFTY_25AUG26_23850PE · 65 at 50.00"


def test_an_estimate_that_does_not_fit_says_so() -> None:
    estimate = MarginEstimate(
        fits=False,
        initial_margin=Decimal(150000),
        premium=Decimal(3900),
        charges=Decimal(80),
        margin_used=Decimal(0),
        margin_used_after=Decimal(150000),
        free_balance=Decimal(100000),
        free_balance_after=Decimal(-50000),
        orders=(),
        underlyings=(),
    )

    assert estimate_figures(estimate)[-1] == ("Verdict", "would be denied", Tone.LOSS.value)
    assert estimate_figures(replace(estimate, fits=True))[-1][1] == "fits"
    assert estimate_figures(estimate)[3][1] == "\N{MINUS SIGN}₹50,000.00"


@pytest.mark.parametrize(
    ("status", "result", "title"),
    [
        (WorkflowStatus.RUNNING, None, "Basket running"),
        (WorkflowStatus.DONE, BasketResult.FILLED, "Basket filled"),
        (WorkflowStatus.DONE, BasketResult.REFUSED, "Basket refused, nothing has traded"),
    ],
)
def test_a_basket_is_done_when_the_server_says_so(
    status: WorkflowStatus, result: BasketResult | None, title: str
) -> None:
    record = BasketRecord(
        basket_id="condor",
        status=status,
        result=result,
        on_refusal=OnRefusal.FLATTEN,
        refusals=("no margin",) if result is BasketResult.REFUSED else (),
        orders=(make_order(1, status=OrderStatus.FILLED),),
        created_at=NOW,
        finished_at=None,
    )

    told = standing(record)

    assert told.title == title
    assert told.lines[-1] == "BUY NIFTY_25AUG26_24050CE: 65 of 130 traded, filled"
    assert ("no margin" in told.lines) is (result is BasketResult.REFUSED)
