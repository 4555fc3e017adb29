"""An explicit first guess of sigma sqrt(T) from a normalized time value, close enough for two steps."""

from __future__ import annotations

import numpy as np

from angel_x.domain.pricing.contracts import Floats
from angel_x.domain.pricing.polynomial import coefficients, evaluate_polynomial

_ROOT_TWO_PI = 2.5066282746310002
# The guess inverts Bachelier's formula (Jaeckel, *Implied Normal Volatility*, 2017, in spirit) with l = ln(1 + gap / b):
# eta^2 = l (l / 2 pi + E1 l^2 + E2 l^3) / (1 + E3 l + E4 l^2 + E5 l^3), s0 = x / eta, to 5e-4;
# then s = s0 (1 + G1 u + G2 u^2) / (1 + G3 u), u = s0^2, to 0.4 % for s < 1.5 and 3 % for s < 3.  Fitted here.
BACHELIER_TOP = coefficients(
    0.15915494309189535, 0.023954211073224378, 0.0018615470938523322, dtype=np.float32
)
BACHELIER_BOTTOM = coefficients(
    1.0, 0.148017183566573, 0.02083102238747912, 0.0009351061968267585, dtype=np.float32
)
LOGNORMAL_TOP = coefficients(1.0, -0.09516204739940069, -0.0026084346649581872, dtype=np.float32)
LOGNORMAL_BOTTOM = coefficients(1.0, -0.1359251096573312, dtype=np.float32)
LARGEST_CORRECTION = 6.6
# Where the strike is this near the forward, in units of the time value, the logarithm loses its digits.
_NEAR_THE_MONEY = 1e-2
_SMALLEST_DEVIATION = 1e-14


def write_guess(log_moneyness: Floats, value: Floats, gap: Floats, out: Floats) -> None:
    """Write the guess for time values and gaps between forward and strike that are normalized by one scale.

    Single precision is sufficient and half the work.
    """
    np.divide(gap, value, out)
    near = np.flatnonzero(out < _NEAR_THE_MONEY)
    np.log1p(out, out)
    ratio = out.astype(np.float32)
    guess, top, bottom = (np.empty_like(ratio) for _ in range(3))
    evaluate_polynomial(BACHELIER_TOP, ratio, top)
    evaluate_polynomial(BACHELIER_BOTTOM, ratio, bottom)
    np.divide(bottom, top, top)
    np.sqrt(top, top)
    np.divide(top, ratio, top)
    np.multiply(top, log_moneyness, guess, casting="same_kind")
    guess[near] = _ROOT_TWO_PI * (value[near] + 0.5 * gap[near])

    np.multiply(guess, guess, ratio)
    np.minimum(ratio, LARGEST_CORRECTION, out=ratio)
    evaluate_polynomial(LOGNORMAL_TOP, ratio, top)
    evaluate_polynomial(LOGNORMAL_BOTTOM, ratio, bottom)
    np.divide(top, bottom, top)
    np.multiply(guess, top, guess)
    np.maximum(guess, _SMALLEST_DEVIATION, out=out)
