from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.contracts.contract import Right
from angel_x.domain.orders.order import Product
from angel_x.domain.records.statement import PositionRecord
from angel_x.entrypoints.presentation.chains import (
    around_the_money,
    chain_table,
    greeks_table,
    without_volatility,
)
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
        oi=130_000,
        volume=1,
        implied_vol=0.131,
        delta=0.5,
        gamma=0.001,
        vega=14.0,
        theta=-11.0,
        rho=5.0,
        vanna=0.002,
        volga=0.5,
        charm=-0.01,
        speed=1e-7,
        price=Decimal(97),
        forward=Decimal(24_040),
        forward_source="parity",
        age_seconds=1.0,
        quote_age_seconds=0.1,
        status="ok",
    )


def chain(spot: str | None) -> OptionChain:
    return OptionChain(
        underlying="NIFTY",
        spot=None if spot is None else Decimal(spot),
        spot_age_seconds=None,
        forward=None,
        forward_source=None,
        atm_vol=None,
        expiry=date(2026, 12, 1),
        lot_size=65,
        expiries=(date(2026, 12, 1),),
        age_seconds=None,
        rows=tuple(greeks(k, r) for k in range(23_000, 25_001, 100) for r in Right),
    )


UNKNOWN = "NIFTY_24NOV26_24000CE"


class Market:
    """Says the same of every contract that it is asked for together with others."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def contracts(self, symbols: Iterable[str]) -> dict[str, ContractGreeks]:
        self.asked.append(list(symbols))
        return {s: greeks(24_000, Right.CALL) for s in self.asked[-1] if s != UNKNOWN}


def position(quantity: int, cost: str, symbol: str = "NIFTY_01DEC26_24000CE") -> PositionRecord:
    return PositionRecord(
        id="1",
        symbol=symbol,
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


def rendered(part: object, width: int = 120) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width).print(part)
    return screen.getvalue()


@pytest.mark.parametrize(
    ("quantity", "cost", "profit"), [(65, "6000.00", "500.00"), (-65, "-7000.00", "500.00")]
)
def test_profit_is_what_the_position_is_worth_beyond_its_cost(
    quantity: int, cost: str, profit: str
) -> None:
    (held,) = marked([position(quantity, cost)], Market().contracts)

    assert held.unrealised_pnl == Decimal(profit)
    assert held.average_price * quantity == pytest.approx(Decimal(cost), abs=1)


def test_all_positions_are_read_at_once_and_one_that_is_not_listed_says_so() -> None:
    market = Market()

    listed, unlisted = marked(
        [position(65, "6000.00"), position(65, "6000.00", UNKNOWN)], market.contracts
    )

    assert market.asked == [["NIFTY_01DEC26_24000CE", UNKNOWN]]
    assert (listed.status, listed.age_seconds, listed.delta) == ("ok", 1.0, 0.5)
    assert (unlisted.status, unlisted.age_seconds, unlisted.delta) == ("unlisted", None, None)
    assert (unlisted.mark_price, unlisted.unrealised_pnl) == (None, None)


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


def test_the_title_of_a_chain_is_one_line_and_says_where_there_are_no_greeks() -> None:
    bare = replace(chain("24010"), rows=(replace(greeks(24_000, Right.CALL), oi=None),))

    title = rendered(chain_table(bare, 5), 100).splitlines()[0]

    assert title.startswith("NIFTY 01 Dec 2026  spot ₹24,010.00  forward -")
    assert title.rstrip().endswith("lot 65  no Greeks")
    assert "Greeks 1.2 s old" in rendered(chain_table(replace(bare, age_seconds=1.24), 5), 100)


def test_tables_show_symbols_and_strikes_in_full() -> None:
    assert "NIFTY_01DEC26_24000CE" in rendered(
        position_table("Positions", marked([position(65, "6000.00")], Market().contracts))
    )
    assert "24000" in rendered(chain_table(chain("24010"), 5))


def test_every_greek_of_a_contract_is_shown_in_one_line() -> None:
    lines = rendered(greeks_table(chain("24010"), 5), 160).splitlines()

    assert len(lines) == 22
    (line,) = [line for line in lines if line.startswith("NIFTY_01DEC26_24000CE")]
    assert line.split() == [
        "NIFTY_01DEC26_24000CE", "99.00", "101.00", "1.30", "13.1", "0.500", "0.001000", "14.00",
        "-11.00", "5.00", "0.0020", "0.5000", "-0.0100", "1.0e-07", "1.0", "ok",
    ]  # fmt: skip


def test_contracts_without_a_volatility_are_counted_by_their_reason() -> None:
    blank = replace(greeks(1, Right.CALL), implied_vol=None, status="no_quote")
    expired = replace(blank, status="expired")

    told = without_volatility([blank, expired, greeks(2, Right.PUT), blank])

    assert told == "without a volatility in the whole chain: 1 expired, 2 no_quote"
    assert without_volatility([greeks(2, Right.PUT)]) is None


def test_a_number_is_never_cut_on_a_narrow_screen() -> None:
    narrow = rendered(chain_table(chain("24010"), 2), 40)

    assert "…" not in narrow.partition("\n")[2]
    assert "99.00" in rendered(chain_table(chain("24010"), 2), 80)
