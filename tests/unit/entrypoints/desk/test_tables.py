from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x.domain.orders.order import OrderStatus, OrderType, Side
from angel_x.domain.records.live_event import StreamEvent
from angel_x.domain.records.order_record import OrderPage
from angel_x.entrypoints.desk.views import positions
from angel_x.entrypoints.desk.views.activity import is_shown, line
from angel_x.entrypoints.desk.views.amendment import WantedAmendment, amendment
from angel_x.entrypoints.desk.views.orders import COLUMNS, order_rows, timeline
from angel_x.entrypoints.desk.views.paging import Pager, page_of
from angel_x.entrypoints.desk.views.table import TONE, Row, changes
from angel_x.entrypoints.desk.views.totals import FIGURES, totals
from angel_x.entrypoints.desk.views.words import NONE, Tone
from tests.fakes.desk_api import NOW, make_order, make_portfolio, make_position

MINUS = "\N{MINUS SIGN}"


def texts(row: Row) -> list[str]:
    return [each if isinstance(each, str) else each[0] for each in row.cells]


def test_an_order_is_a_row_of_texts() -> None:
    (row,) = order_rows([make_order(17, tag="hedge", basket_id="condor")], may_trade=True)

    assert row.id == "17"
    assert len(row.cells) == len(COLUMNS)
    assert texts(row) == [
        *("25 Aug 10:30:00", "NIFTY_25AUG26_24050CE", "▲ BUY", "65 / 130", "199.05", "198.50"),
        *("partially filled", "hedge · basket condor"),
    ]


def test_markup_of_a_tag_stays_text() -> None:
    (row,) = order_rows([make_order(1, tag="<img src=x onerror=alert(1)>")], may_trade=True)

    assert texts(row)[-1] == "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    ("status", "may_trade", "acts"),
    [
        (OrderStatus.WORKING, True, ("Modify", "Cancel")),
        (OrderStatus.FILLED, True, ()),
        (OrderStatus.WORKING, False, ()),
    ],
)
def test_only_open_orders_of_a_key_that_trades_have_buttons(
    status: OrderStatus, *, may_trade: bool, acts: tuple[str, ...]
) -> None:
    (row,) = order_rows([make_order(1, status=status)], may_trade=may_trade)

    assert row.acts == acts


def test_a_stop_shows_its_trigger_and_an_order_at_market_no_price() -> None:
    stop = make_order(
        1, order_type=OrderType.STOP_LIMIT, trigger_price=Decimal("190.00"), side=Side.SELL
    )
    market = make_order(2, order_type=OrderType.MARKET, average_price=None)

    rows = order_rows([stop, market], may_trade=False)

    assert [texts(row)[4] for row in rows] == ["190.00 → 199.05", "market"]
    assert [texts(row)[5] for row in rows] == ["198.50", NONE]


def test_a_timeline_has_events_and_fills_in_their_order() -> None:
    order = make_order(1)
    late = replace(order.events[1], at=NOW + timedelta(seconds=1), reason="AMENDED", detail="price")

    moments = timeline(replace(order, events=(late, order.events[0])))

    assert [moment.title.text for moment in moments] == [
        "received",
        "65 at 198.50",
        "partially filled",
    ]
    assert moments[2].detail == "by worker · AMENDED · price · attempt 1"


def test_a_position_shows_the_greeks_of_all_units() -> None:
    (row,) = positions.position_rows([make_position(quantity=-130)], may_trade=True)

    assert texts(row)[2] == f"{MINUS}130"
    assert texts(row)[5] == "▲ +₹195.00"
    assert texts(row)[6] == "▼ \N{MINUS SIGN}₹45.00"
    assert texts(row)[8:] == [f"{MINUS}65.0", f"{MINUS}0.130", f"{MINUS}1,560.0", "1,300.0"]
    assert row.acts == (positions.SQUARE_OFF,)


def test_a_position_without_a_mark_or_greeks_shows_dashes() -> None:
    bare = make_position(mark=None, unrealised_pnl=None, day_pnl=None, delta=None)

    (row,) = positions.position_rows([bare], may_trade=False)

    assert [texts(row)[place] for place in (4, 5, 6, 8)] == [NONE] * 4
    assert row.acts == ()


def test_positions_stand_by_underlying_expiry_and_strike() -> None:
    symbols = [
        "NIFTY_01SEP26_9000CE",
        "NIFTY_25AUG26_24050CE",
        "NIFTY_25AUG26_9000PE",
        "BANKNIFTY_25AUG26_50000CE",
    ]

    rows = positions.position_rows(map(make_position, symbols), may_trade=False)

    assert [texts(row)[0] for row in rows] == [symbols[3], symbols[2], symbols[1], symbols[0]]
    assert positions.underlyings(map(make_position, symbols)) == ["BANKNIFTY", "NIFTY"]


def row(number: int, *cells: str, tone: str = "") -> Row:
    return Row(id=str(number), cells=cells, tone=tone)


def test_the_tone_of_a_row_is_sent_by_itself() -> None:
    before = [row(1, "a", "b"), row(2, "c", "d", tone="ax-atm")]
    after = [row(1, "a", "x", tone="ax-atm"), row(2, "c", "d")]

    assert changes(before, after) == [[0, TONE, "ax-atm"], [0, 1, "x"], [1, TONE, ""]]


def test_only_changed_cells_are_sent() -> None:
    before = [row(1, "a", "b"), row(2, "c", "d")]

    assert changes(before, before) == []
    assert changes(before, [row(1, "a", "x"), row(2, "y", "d")]) == [[0, 1, "x"], [1, 0, "y"]]


@pytest.mark.parametrize(
    "after",
    [
        [row(1, "a", "b")],
        [row(2, "c", "d"), row(1, "a", "b")],
        [],
    ],
)
def test_rows_that_come_go_or_move_are_all_sent(after: list[Row]) -> None:
    assert changes([row(1, "a", "b"), row(2, "c", "d")], after) is None


@pytest.mark.parametrize(
    ("texts_of_form", "wanted"),
    [
        ({"price": "199.10", "quantity": "130"}, WantedAmendment(price=Decimal("199.10"))),
        (
            {"price": "₹1,199.05", "quantity": "1,95"},
            WantedAmendment(price=Decimal("1199.05"), quantity=195),
        ),
        ({"price": "199.05", "quantity": "130"}, "Nothing is changed."),
        ({"price": "", "quantity": ""}, "Nothing is changed."),
    ],
)
def test_an_amendment_has_the_changed_fields(
    texts_of_form: dict[str, str], wanted: WantedAmendment | str
) -> None:
    assert amendment(make_order(1), texts_of_form) == wanted


@pytest.mark.parametrize("text", ["abc", "NaN", "inf", "1.2.3"])
def test_a_text_that_is_no_number_is_not_sent(text: str) -> None:
    for field in ("price", "quantity"):
        assert isinstance(amendment(make_order(1), {field: text}), str)


def test_empty_pages_are_passed_and_the_way_back_is_kept() -> None:
    pages = {
        None: OrderPage(orders=(), next="a"),
        "a": OrderPage(orders=(), next="b"),
        "b": OrderPage(orders=(make_order(1),), next="c"),
        "c": OrderPage(orders=(), next=None),
    }
    start = Pager()
    second = start.older("c")

    assert page_of(pages.__getitem__, start.cursor) == pages["b"]
    assert page_of(pages.__getitem__, second.cursor) == pages["c"]
    assert (start.has_newer, second.has_newer, second.newer()) == (False, True, start)


def test_totals_name_every_figure_and_what_they_leave_out() -> None:
    found = totals(make_portfolio(unpriced_positions=2, stale_positions=1))

    assert set(found) == {name for name, _, _ in FIGURES}
    assert found["equity"].text == "₹1,00,00,195.00"
    assert found["delta"].text == "7,80,000"
    assert "without 2 positions" in found["delta"].title
    assert found["open"].text == "1, 1 without a quote"


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    portfolio = make_portfolio()
    greeks = replace(portfolio.greeks["NIFTY"], delta_rupees=None)

    assert totals(replace(portfolio, greeks={"NIFTY": greeks}))["delta"].text == NONE


def test_an_event_of_an_order_is_a_line() -> None:
    body: dict[str, object] = {
        "order_id": "1",
        "symbol": "NIFTY_25AUG26_24050CE",
        "side": "BUY",
        "status": "filled",
        "reason": None,
        "quantity": 130,
        "filled_quantity": 130,
        "average_price": "198.5",
    }

    assert line(StreamEvent("1-0", "order", body)) == (
        "BUY 130 NIFTY_25AUG26_24050CE: filled, 130 traded at 198.50",
        Tone.GAIN.value,
    )


def test_states_are_no_news_and_a_gap_is() -> None:
    assert not is_shown(StreamEvent("1-0", "portfolio", {}))
    assert is_shown(StreamEvent("1-0", "gap", {"after": "1-0"}))
    assert line(StreamEvent("1-0", "gap", {}))[1] == "ax-warning"


def test_a_halt_and_an_unknown_kind_are_told() -> None:
    halt = {"scope": "user", "name": "demo", "state": "halted", "reason": "news"}

    assert line(StreamEvent("1-0", "trading_state", dict(halt)))[0] == (
        "Trading of user demo is halted: news"
    )
    assert line(StreamEvent("1-0", "square_off", {"id": "1", "flat": None}))[0] == (
        "square off: id 1"
    )
