"""The sums of an account: equity, and the Greeks over all underlyings."""

from __future__ import annotations

from collections.abc import Mapping

from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.entrypoints.desk.views.words import Text, Tone, age, change, decimal, money, units

#: Name, label and meaning.
FIGURES = (
    ("equity", "Equity", "Cash, collateral and every open position at its mark"),
    ("cash", "Cash", ""),
    ("realised", "Realised", "Since the account was opened, before charges"),
    ("delta", "Delta ₹", "Rupees of the underlyings that the options stand for"),
    ("gamma", "Gamma ₹", "Rupees of delta that a rise of the spots by 1 % gains"),
    ("vega", "Vega", "Rupees a vol point"),
    ("theta", "Theta", "Rupees a day"),
    ("open", "Positions", "Open positions"),
)


def totals(portfolio: Portfolio) -> Mapping[str, Text]:
    """Return the texts of :data:`FIGURES`."""
    about = _about(portfolio)
    sums = {
        name: _sum(portfolio, field)
        for name, field in (
            ("delta", "delta_rupees"),
            ("gamma", "gamma_rupees"),
            ("vega", "vega"),
            ("theta", "theta"),
        )
    }
    return {
        "equity": money(portfolio.equity),
        "cash": money(portfolio.cash),
        "realised": change(portfolio.realised_pnl),
        **{name: Text(decimal(value, 0), title=about) for name, value in sums.items()},
        "open": _open(portfolio),
    }


def _sum(portfolio: Portfolio, field: str) -> float | None:
    """Return the sum over underlyings; None where one is not known."""
    values = [getattr(greeks, field) for greeks in portfolio.greeks.values()]
    return None if None in values else float(sum(values))


def _about(portfolio: Portfolio) -> str:
    words = f"Greeks {age(portfolio.greeks_age_seconds)} old"
    if portfolio.unpriced_positions:
        words += f", without {portfolio.unpriced_positions} positions that have no volatility"
    return words


def _open(portfolio: Portfolio) -> Text:
    if portfolio.stale_positions:
        return Text(
            f"{units(portfolio.open_positions)}, {portfolio.stale_positions} without a quote",
            Tone.WARNING,
            "Positions without a quote are carried at cost",
        )
    return Text(units(portfolio.open_positions))
