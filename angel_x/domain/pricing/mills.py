"""The Mills ratio of the normal distribution, (1 - N(a)) / n(a): the tail without its exponential."""

from __future__ import annotations

import numpy as np

from angel_x.domain.pricing.polynomial import Numbers, coefficients, evaluate_polynomial

# One rational function for all arguments, fitted on [-0.2, 38] by the Remez exchange against 50-digit values: relative
# error below 2.6e-16 there, and 1/a in the limit.  All coefficients are positive, so nothing cancels.
NUMERATOR = coefficients(
    1.2533141373155003,
    1.917235256758367,
    1.4522498637525385,
    0.6986668454520911,
    0.23283009062794266,
    0.055482391362672065,
    0.009447775801017841,
    0.001111522648729667,
    8.250221306033424e-05,
    2.9784228620381286e-06,
)
DENOMINATOR = coefficients(
    1.0,
    2.327616971597284,
    2.515897389816423,
    1.6670042074987876,
    0.7519563080170536,
    0.24211284551891374,
    0.05658795778322068,
    0.009530277997360958,
    0.0011145010718974118,
    8.250221305698306e-05,
    2.978422862054641e-06,
)
# The same for single precision, to 1.5e-9.
SHORT_NUMERATOR = coefficients(
    1.2533141366583238,
    1.3120549531110477,
    0.6631634714197684,
    0.19341149857343334,
    0.032432385710041485,
    0.00255450906172893,
    dtype=np.float32,
)
SHORT_DENOMINATOR = coefficients(
    1.0,
    1.844752951241915,
    1.501027733113398,
    0.6955520205676884,
    0.1959677850738896,
    0.03243234637033788,
    0.0025545094172636108,
    dtype=np.float32,
)

#: Below this argument the fit is wrong; callers avoid or detect such arguments.
SMALLEST_ARGUMENT = -0.2
#: Above this argument its powers would overflow.
LARGEST_ARGUMENT = 1e25


def mills_ratio(argument: Numbers, out: Numbers, scratch: Numbers) -> None:
    """Write the Mills ratio of ``argument`` (from SMALLEST_ARGUMENT to LARGEST_ARGUMENT) to ``out``.

    The three arrays must differ and be float64, or float32 for a result of single precision.
    """
    short = argument.dtype == np.float32
    evaluate_polynomial(SHORT_NUMERATOR if short else NUMERATOR, argument, out)
    evaluate_polynomial(SHORT_DENOMINATOR if short else DENOMINATOR, argument, scratch)
    np.divide(out, scratch, out)
