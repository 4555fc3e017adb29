"""Scenarios on the command line: the grid of a report as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import click
import pytest
from rich.console import Console

from angel_x.domain.strategies.answers import PayoffCurve, ScenarioReport
from angel_x.domain.strategies.concentration import Concentration, Share
from angel_x.domain.strategies.payoff import Payoff
from angel_x.entrypoints.cli.scenarios import Numbers, report_parts

SHARE = Share(key="NIFTY", gross_value=Decimal(13_000), share=Decimal("0.2500"))
REPORT = ScenarioReport(
    spot_percents=(-5.0, 0.0),
    vol_percents=(0.0,),
    days=(1.0,),
    profit=(((-1_20_000.4,), (350.0,)),),
    margin=(((Decimal(2_00_000),), (Decimal(1_44_130),)),),
    payoffs=(
        PayoffCurve(
            underlying="NIFTY",
            spot=Decimal(24_000),
            expiry=date(2026, 12, 29),
            spots=tuple(Decimal(23_900 + n) for n in range(11)),
            before=(tuple(float(n) for n in range(11)),),
            at_expiry=tuple(float(-n) for n in range(11)),
            exact=Payoff(max_profit=Decimal(6500), max_loss=None, breakevens=(Decimal(24_100),)),
        ),
    ),
    concentration=Concentration(underlyings=(SHARE,), expiries=(), contracts=()),
    strategies=(),
    unpriced=("NIFTY_29DEC26_30000CE",),
    at=datetime(2026, 11, 23, tzinfo=UTC),
)


def test_a_report_shows_profit_margin_payoff_and_concentration() -> None:
    console = Console(width=160, no_color=True)
    with console.capture() as captured:
        for part in report_parts(REPORT):
            console.print(part)
    shown = captured.get()

    for text in (
        "P&L after 1 days", "Margin after 1 days", "-5 %", "-₹1,20,000", "₹1,44,130",
        "NIFTY to 2026-12-29: most ₹6,500.00, least unlimited, break even at 24,100.00",
        "25.00 %", "left out: NIFTY_29DEC26_30000CE",
    ):  # fmt: skip
        assert text in shown


def test_the_axes_are_numbers_with_commas_between() -> None:
    assert Numbers().convert("-5,0,2.5", None, None) == [-5.0, 0.0, 2.5]
    for wrong in ("", "1;2", "५", "1, 2"):
        with pytest.raises(click.BadParameter, match="must be numbers such as"):
            Numbers().convert(wrong, None, None)
