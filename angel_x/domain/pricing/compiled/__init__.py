"""Pricing compiled by numba; importing it imports numba and compiles, so :func:`~angel_x.domain.pricing.kernels.chosen` does."""

from angel_x.domain.pricing.compiled.kernels import KERNELS

__all__ = ["KERNELS"]
