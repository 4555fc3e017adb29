"""Pricing compiled by numba.

Importing this imports numba and compiles; only :func:`~angel_x.domain.pricing.kernels.chosen` does.
"""

from angel_x.domain.pricing.compiled.kernels import KERNELS

__all__ = ["KERNELS"]
