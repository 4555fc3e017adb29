"""Scenarios of an account: P&L and margin in each state, payoffs and concentration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import click
import msgspec
from rich.table import Table

from angel_x.domain.strategies.answers import PayoffCurve, ScenarioReport
from angel_x.domain.strategies.concentration import Concentration
from angel_x.domain.values.written_number import written_decimal
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.order_file import parse_orders, read_file
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import decimals, price, rupees, whole
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.services.accounts import scenario_form

#: Every so many points of a payoff curve are shown.
_STEP = 10
_CONTRACTS = 10


class Numbers(click.ParamType[list[float]]):
    """Numbers that are separated by commas."""

    name = "numbers"

    def convert(
        self, value: str | list[float], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[float]:
        """Return the numbers, or refuse the text."""
        if isinstance(value, list):
            return value
        try:
            return [float(written_decimal(text)) for text in value.split(",")]
        except ValueError:
            self.fail(f"must be numbers such as -5,0,5, was {value!r}", param, ctx)


@click.command()
@for_user
@click.option(
    "--orders",
    type=click.Path(path_type=Path),
    help="Orders of this file, JSON or CSV, count as traded; they are not sent.",
)
@click.option("--spot", type=Numbers(), help="Moves of every spot in percent, as in -5,0,5.")
@click.option("--vol", type=Numbers(), help="Relative changes of every volatility in percent.")
@click.option("--days", type=Numbers(), help="Calendar days from now.")
@click.option("--underlying", help="By default every underlying.")
@as_json
def scenarios(
    user: str,
    orders: Path | None,
    spot: list[float] | None,
    vol: list[float] | None,
    days: list[float] | None,
    underlying: str | None,
    *,
    as_json: bool,
) -> None:
    """Show the book of an account in a grid of spots, volatilities and days, with margin and payoff."""
    axes = {"spot_percents": spot, "vol_percents": vol, "days": days, "underlying": underlying}
    given = {name: value for name, value in axes.items() if value is not None}
    asked = scenario_form.decode(msgspec.json.encode(given))
    if orders is not None:
        asked = replace(asked, orders=parse_orders(read_file(orders)))
    with application() as app:
        app.intake.order_check.check(asked.orders)
        user_id = app.people.accounts.named(user).id
        report = app.questions.scenarios.report(user_id, asked)
    if as_json:
        print_json(report)
    else:
        show(*report_parts(report))


def report_parts(report: ScenarioReport) -> Iterator[Table | str]:
    """Yield the tables of a report."""
    for number, days in enumerate(report.days):
        after = f"after {days:g} days"
        yield _grid(f"P&L {after}", report, report.profit[number])
        yield _grid(f"Margin {after}", report, report.margin[number])
    yield from map(_payoff, report.payoffs)
    yield _concentration(report.concentration)
    if report.unpriced:
        yield f"Without a price, left out: {', '.join(report.unpriced)}"


def _grid(
    title: str, report: ScenarioReport, values: Sequence[Sequence[float | Decimal | None]]
) -> Table:
    columns = ("spot", *(f">volatility {vol:+g} %" for vol in report.vol_percents))
    rows = (
        (f"{spot:+g} %", *("-" if value is None else whole(Decimal(value)) for value in row))
        for spot, row in zip(report.spot_percents, values, strict=True)
    )
    return table(title, columns, rows)


def _payoff(curve: PayoffCurve) -> Table:
    """Return every tenth point of a curve, with its exact extremes in the title."""
    lines = (curve.spots, *curve.before, curve.at_expiry)
    columns = (">spot", *(">before" for _ in curve.before), ">at expiry")
    points = [
        (price(Decimal(spot)), *(whole(Decimal(value)) for value in values))
        for spot, *values in zip(*lines, strict=True)
    ]
    return table(
        f"{curve.underlying} to {curve.expiry}: {_extremes(curve)}", columns, points[::_STEP]
    )


def _extremes(curve: PayoffCurve) -> str:
    exact = curve.exact
    if exact is None:
        return "several expiries"
    gain = "unlimited" if exact.max_profit is None else rupees(exact.max_profit)
    loss = "unlimited" if exact.max_loss is None else rupees(exact.max_loss)
    zeros = ", ".join(map(price, exact.breakevens)) or "none"
    return f"most {gain}, least {loss}, break even at {zeros}"


def _concentration(found: Concentration) -> Table:
    parts = (*found.underlyings, *found.expiries, *found.contracts[:_CONTRACTS])
    rows = (
        (part.key, rupees(part.gross_value), f"{decimals(float(part.share) * 100, 2)} %")
        for part in parts
    )
    return table("Concentration", ("part", ">gross value", ">share"), rows)
