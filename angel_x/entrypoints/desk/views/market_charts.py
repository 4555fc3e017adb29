"""Charts of one underlying: smile, term structure, open interest, max pain and gamma exposure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from angel_x.domain.chains.summary_record import ChainSummary, ExpirySummary
from angel_x.domain.contracts.contract import Right
from angel_x.entrypoints.desk.views.chart import (
    CALL,
    CURVE,
    GAIN,
    LOSS,
    PUT,
    Chart,
    Mark,
    Options,
    bars,
    framed,
    line,
    marked,
    names_axis,
    numbers_axis,
    times_axis,
)
from angel_x.entrypoints.desk.views.words import NONE, age, decimal, percent, price, status_words

_UNIT_OF_GAMMA = "₹ of delta for 1 %"


def smile(expiry: ExpirySummary) -> Chart:
    """Return volatility by strike: puts below the forward, calls at and above it."""
    sides = [
        line(
            name,
            [
                [float(p.strike), round(100 * p.implied_vol, 4)]
                for p in expiry.smile
                if p.right is right
            ],
            colour,
            symbol=symbol,
        )
        for name, right, colour, symbol in (
            ("Puts", Right.PUT, PUT, "rect"),
            ("Calls", Right.CALL, CALL, "circle"),
        )
    ]
    forward = [] if expiry.forward is None else [(float(expiry.forward), "forward")]
    sides[0].update(marked(forward))
    return Chart(
        options=framed(
            sides,
            numbers_axis(),
            unit="IV %",
            value="@percent",
            axis="{value}",
            y_axis={"scale": True},
        )
        if expiry.smile
        else None,
        label=f"Smile of {day(expiry)}: at the money {percent(expiry.atm_vol, 2)} %",
        columns=("strike", "right", "implied_vol"),
        rows=[(p.strike, p.right.value, p.implied_vol) for p in expiry.smile],
    )


def term_structure(summary: ChainSummary) -> Chart:
    """Return the volatility at the money by expiry, over calendar time."""
    known = [(e, e.atm_vol) for e in summary.expiries if e.atm_vol is not None]
    points = [[e.expiry.isoformat(), round(100 * vol, 4)] for e, vol in known]
    words = ", ".join(f"{day(e)} {percent(vol, 2)} %" for e, vol in known)
    return Chart(
        options=framed(
            [line("ATM volatility", points, CURVE)],
            times_axis(),
            unit="IV %",
            value="@percent",
            axis="{value}",
            y_axis={"scale": True},
            useUTC=False,
        )
        if known
        else None,
        label=f"Volatility at the money by expiry: {words or NONE}",
        columns=("expiry", "forward", "atm_vol"),
        rows=[(e.expiry, e.forward, e.atm_vol) for e in summary.expiries],
    )


def open_interest(summary: ChainSummary, expiry: ExpirySummary) -> Chart:
    """Return the open interest in calls and puts by strike."""
    calls = bars("Calls", [s.call_oi for s in expiry.strikes], CALL)
    puts = bars("Puts", [s.put_oi for s in expiry.strikes], PUT)
    calls.update(marked(_marks(summary, expiry)))
    return Chart(
        options=framed([calls, puts], _strikes(expiry), unit="units", value="@units")
        if expiry.total_oi
        else None,
        label=f"Open interest of {day(expiry)} by strike: {decimal(expiry.call_oi, 0)} units in calls, "
        f"{decimal(expiry.put_oi, 0)} in puts",
        columns=("strike", "call_oi", "put_oi"),
        rows=[(s.strike, s.call_oi, s.put_oi) for s in expiry.strikes],
    )


def max_pain(summary: ChainSummary, expiry: ExpirySummary) -> Chart:
    """Return the rupees that open contracts pay by the closing value of the underlying."""
    payout = line("Payout", [[float(s.strike), s.payout] for s in expiry.strikes], CURVE)
    marks: list[Mark] = [
        (float(place), name)
        for place, name in ((expiry.max_pain, "max pain"), (summary.spot, "spot"))
        if place is not None
    ]
    payout.update(marked(marks))
    return Chart(
        options=framed([payout], numbers_axis(), unit="₹ paid at expiry", value="@rupees")
        if expiry.total_oi
        else None,
        label=f"Payout of all open contracts of {day(expiry)} by the closing value: least at "
        f"{_strike(expiry.max_pain)}",
        columns=("close", "payout"),
        rows=[(s.strike, s.payout) for s in expiry.strikes],
    )


def gamma_exposure(summary: ChainSummary, expiry: ExpirySummary) -> Chart:
    """Return the gamma exposure by strike, in rupees of delta for a move of the spot by 1 %."""
    values = [s.gamma_exposure for s in expiry.strikes]
    coloured = [
        None
        if value is None
        else {"value": value, "itemStyle": {"color": GAIN if value >= 0 else LOSS}}
        for value in values
    ]
    net = bars("Calls less puts", coloured, CURVE, **marked(_marks(summary, expiry)))
    return Chart(
        options=framed([net], _strikes(expiry), unit=_UNIT_OF_GAMMA, value="@change")
        if any(value is not None for value in values)
        else None,
        label=f"Gamma exposure of {day(expiry)} by strike, calls positive and puts negative: "
        f"{decimal(expiry.gamma_exposure, 0)} rupees of delta for 1 % in all",
        columns=("strike", "gamma_exposure"),
        rows=[(s.strike, s.gamma_exposure) for s in expiry.strikes],
    )


def figures(summary: ChainSummary, expiry: ExpirySummary) -> list[tuple[str, str]]:
    """Return names and values of the measures that are single numbers, and the ages of their sources."""

    def known(name: str, write: Callable[[], str]) -> str:
        reason = expiry.reasons.get(name)
        return write() if reason is None else f"{NONE} ({status_words(reason)})"

    source = f" ({status_words(expiry.forward_source)})" if expiry.forward_source else ""
    return [
        ("Spot", f"{price(summary.spot)}, {age(summary.spot_age_seconds)} old"),
        ("Forward", known("forward", lambda: f"{price(expiry.forward)}{source}")),
        ("ATM vol", known("atm_vol", lambda: f"{percent(expiry.atm_vol, 2)} %")),
        (
            "25-delta RR",
            known("risk_reversal_25", lambda: f"{percent(expiry.risk_reversal_25, 2)} %"),
        ),
        ("PCR by OI", known("oi_put_call_ratio", lambda: decimal(expiry.oi_put_call_ratio, 2))),
        ("Max pain", known("max_pain", lambda: _strike(expiry.max_pain))),
        (
            "Gamma exposure",
            known("gamma_exposure", lambda: f"₹{decimal(expiry.gamma_exposure, 0)}"),
        ),
        ("Greeks", f"{age(expiry.age_seconds)} old"),
        ("Oldest quote", f"{age(expiry.quote_age_seconds)} old"),
    ]


def day(expiry: ExpirySummary) -> str:
    return f"{expiry.expiry:%d %b %y}"


def chosen(summary: ChainSummary, name: str | None) -> ExpirySummary | None:
    """Return the expiry of an ISO date, else the nearest; None where none is listed."""
    named = (each for each in summary.expiries if each.expiry.isoformat() == name)
    return next(named, summary.expiries[0] if summary.expiries else None)


def _strikes(expiry: ExpirySummary) -> Options:
    return names_axis([_strike(each.strike) for each in expiry.strikes])


def _marks(summary: ChainSummary, expiry: ExpirySummary) -> Sequence[Mark]:
    """Return the strike nearest to the spot, as axes of categories have no places between strikes."""
    if summary.spot is None or not expiry.strikes:
        return []
    spot = summary.spot
    return [(_strike(min((s.strike for s in expiry.strikes), key=lambda k: abs(k - spot))), "spot")]


def _strike(strike: Decimal | None) -> str:
    return NONE if strike is None else f"{strike.normalize():f}"
