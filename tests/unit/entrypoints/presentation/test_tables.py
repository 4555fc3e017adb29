from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from angel_x.domain.contract import Right
from angel_x.domain.option_chain import ContractGreeks, OptionChain
from angel_x.domain.order import Product
from angel_x.domain.statement import PositionRecord
from angel_x.entrypoints.presentation.chains import around_the_money, chain_table
from angel_x.entrypoints.presentation.positions import mark_price, marked, position_table


def greeks(
    strike: int, right: Right, bid: str | None = "99", ask: str | None = "101"
) -> ContractGreeks:
    return ContractGreeks(
        symbol=f"NIFTY_01DEC26_{strike}{right}",
        strike=Decimal(strike),
        right=right,
        expiry=date(2026, 12, 1),
        bid=None if bid is None else Decimal(bid),
        ask=None if ask is None else Decimal(ask),
        last=Decimal(95),
        oi=1,
        volume=1,
        implied_vol=0.131,
        delta=0.5,
        gamma=0.001,
        vega=14.0,
        theta=-11.0,
        rho=5.0,
        price=Decimal(97),
        forward=Decimal(24_040),
        age_seconds=1.0,
        quote_age_seconds=0.1,
        status="ok",
    )


def chain(spot: str | None) -> OptionChain:
    return OptionChain(
        underlying="NIFTY",
        spot=None if spot is None else Decimal(spot),
        forward=None,
        expiry=date(2026, 12, 1),
        lot_size=65,
        expiries=(date(2026, 12, 1),),
        age_seconds=None,
        rows=tuple(greeks(k, r) for k in range(23_000, 25_001, 100) for r in Right),
    )


class Market:
    """Says the same of every contract."""

    def of(self, symbol: str) -> ContractGreeks:
        return greeks(24_000, Right.CALL)


def position(quantity: int, cost: str) -> PositionRecord:
    return PositionRecord(
        id="1",
        symbol="NIFTY_01DEC26_24000CE",
        product=Product.NORMAL,
        quantity=quantity,
        cost=Decimal(cost),
        realised_pnl=Decimal("0.00"),
        entry_time=datetime(2026, 11, 23, tzinfo=UTC),
        delta=None,
        gamma=None,
        vega=None,
        theta=None,
        greeks_as_of=None,
    )


def rendered(part: object) -> str:
    screen = io.StringIO()
    Console(file=screen, width=120).print(part)
    return screen.getvalue()


@pytest.mark.parametrize(
    ("quantity", "cost", "profit"), [(65, "6000.00", "500.00"), (-65, "-7000.00", "500.00")]
)
def test_profit_is_what_the_position_is_worth_beyond_its_cost(
    quantity: int, cost: str, profit: str
) -> None:
    (held,) = marked([position(quantity, cost)], Market())

    assert held.unrealised_pnl == Decimal(profit)
    assert held.average_price * quantity == pytest.approx(Decimal(cost), abs=1)


def test_a_mark_is_the_middle_then_the_last_price() -> None:
    assert mark_price(greeks(1, Right.CALL)) == 100
    assert mark_price(greeks(1, Right.CALL, bid=None)) == 95


def test_the_strikes_shown_lie_around_the_money() -> None:
    shown = around_the_money(chain("24010").rows, Decimal(24_010), 2)

    assert [strike for strike, _, _ in shown] == [23_900, 24_000, 24_100, 24_200]
    assert all(call is not None and put is not None for _, call, put in shown)


def test_all_strikes_are_shown_where_no_spot_is_known() -> None:
    assert len(around_the_money(chain(None).rows, None, 2)) == 21


def test_at_the_edge_of_the_chain_fewer_strikes_are_shown() -> None:
    assert len(around_the_money(chain("100").rows, Decimal(100), 3)) == 3


def test_tables_show_symbols_and_strikes_in_full() -> None:
    assert "NIFTY_01DEC26_24000CE" in rendered(
        position_table("Positions", marked([position(65, "6000.00")], Market()))
    )
    assert "24000" in rendered(chain_table(chain("24010"), 5))
