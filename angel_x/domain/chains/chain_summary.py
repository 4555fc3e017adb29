"""Summaries of the chains of an underlying from the boards of quotes and Greeks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.chains.chain_measures import (
    ChainColumns,
    Lack,
    Measured,
    Smile,
    StrikeInterest,
    butterfly,
    exposure_by_strike,
    gamma_exposure,
    interest_by_strike,
    max_pain,
    out_of_the_money,
    payouts,
    put_call_ratio,
    risk_reversal,
    volatility_at_the_money,
)
from angel_x.domain.chains.option_chain import (
    Readings,
    forward_of,
    forward_source_of,
    oldest_age,
    shortest,
)
from angel_x.domain.chains.summary_record import (
    ExpirySummary,
    SmilePoint,
    StrikeSummary,
)
from angel_x.domain.contracts.contract import Right
from angel_x.domain.pricing.greek import GreekField
from angel_x.domain.values.money import to_paisa

if TYPE_CHECKING:
    from angel_x.domain.chains.chain_measures import Floats
    from angel_x.domain.contracts.universe import Chain, Universe


def volatility_of(universe: Universe, chain: Chain, readings: Readings) -> float | None:
    """Return the volatility of one chain at its forward; ``readings`` are of its rows."""
    forward = forward_of(readings.columns)
    if forward is None:
        return None
    columns = _columns(universe, chain, readings)
    found = volatility_at_the_money(out_of_the_money(columns, float(forward)))
    return None if isinstance(found, Lack) else shortest(found)


def summarize(
    universe: Universe, chain: Chain, readings: Readings, spot: Decimal | None, now_ms: int
) -> ExpirySummary:
    """Return the summary of one chain; ``readings`` are of its rows, ``now_ms`` is the wall clock."""
    columns, reasons = _columns(universe, chain, readings), _Reasons()
    calls, held, traded = columns.is_call, columns.oi, columns.volume
    interest = interest_by_strike(columns)
    forward, age = forward_of(readings.columns), oldest_age(readings.times, now_ms)
    lacking = Lack.UNPUBLISHED if age is None else Lack.NO_FORWARD
    smile = lacking if forward is None else out_of_the_money(columns, float(forward))
    number = reasons.number
    number("forward", lacking if forward is None else float(forward))
    return ExpirySummary(
        expiry=chain.expiry,
        forward=forward,
        forward_source=forward_source_of(readings.columns),
        atm_vol=number("atm_vol", _of(volatility_at_the_money, smile)),
        risk_reversal_25=number("risk_reversal_25", _of(risk_reversal, smile)),
        butterfly_25=number("butterfly_25", _of(butterfly, smile)),
        oi_put_call_ratio=number("oi_put_call_ratio", put_call_ratio(calls, held)),
        volume_put_call_ratio=number("volume_put_call_ratio", put_call_ratio(calls, traded)),
        max_pain=reasons.strike("max_pain", max_pain(interest)),
        gamma_exposure=number("gamma_exposure", gamma_exposure(columns, _float(spot))),
        total_oi=int(held.sum()),
        call_oi=int(held[calls].sum()),
        put_oi=int(held[~calls].sum()),
        call_volume=int(traded[calls].sum()),
        put_volume=int(traded[~calls].sum()),
        unpriced_oi=int(held[~np.isfinite(columns.gamma)].sum()),
        contracts=held.size,
        unquoted=int(np.count_nonzero(readings.quotes["time"] <= 0)),
        priced=int(np.count_nonzero(np.isfinite(columns.implied_vol))),
        age_seconds=age,
        quote_age_seconds=oldest_age(readings.quotes["time"], now_ms),
        smile=() if isinstance(smile, Lack) else _points(smile),
        strikes=_strikes(interest, exposure_by_strike(columns, _float(spot))),
        reasons=reasons.found,
    )


class _Reasons:
    """Collects the reasons of missing numbers by name."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def number(self, name: str, value: Measured) -> float | None:
        """Return the rounded value, or None with its reason kept."""
        known = self._known(name, value)
        return None if known is None else shortest(known)

    def strike(self, name: str, value: Measured) -> Decimal | None:
        known = self._known(name, value)
        return None if known is None else _rupees(known)

    def _known(self, name: str, value: Measured) -> float | None:
        if isinstance(value, Lack):
            self.found[name] = value.value
            return None
        return value


def _of(measure: Callable[[Smile], Measured], smile: Smile | Lack) -> Measured:
    return smile if isinstance(smile, Lack) else measure(smile)


def _float(amount: Decimal | None) -> float:
    return nan if amount is None else float(amount)


def _columns(universe: Universe, chain: Chain, readings: Readings) -> ChainColumns:
    rows, quotes = slice(chain.start, chain.stop), readings.quotes
    greeks = readings.columns.astype(np.float64)
    quoted = quotes["time"] > 0
    return ChainColumns(
        strike=universe.strike[rows],
        is_call=universe.is_call[rows],
        implied_vol=greeks[GreekField.IMPLIED_VOL],
        delta=greeks[GreekField.DELTA],
        gamma=greeks[GreekField.GAMMA],
        oi=np.where(quoted, np.maximum(quotes["oi"], 0), 0),
        volume=np.where(quoted, np.maximum(quotes["volume"], 0), 0),
    )


def _points(smile: Smile) -> tuple[SmilePoint, ...]:
    columns = (smile.strike, smile.log_moneyness, smile.implied_vol, smile.is_call)
    return tuple(
        SmilePoint(
            strike=_rupees(strike),
            log_moneyness=round(moneyness, 7),
            implied_vol=round(volatility, 7),
            right=Right.CALL if is_call else Right.PUT,
        )
        for strike, moneyness, volatility, is_call in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )


def _strikes(interest: StrikeInterest, exposures: Floats) -> tuple[StrikeSummary, ...]:
    columns = (*interest, payouts(interest), exposures)
    return tuple(
        StrikeSummary(
            strike=_rupees(strike),
            call_oi=call_oi,
            put_oi=put_oi,
            payout=round(payout, 2),
            gamma_exposure=shortest(exposure),
        )
        for strike, call_oi, put_oi, payout, exposure in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )


def _rupees(value: float) -> Decimal:
    return to_paisa(Decimal(str(value)))
