"""The pricing functions that callers outside Angel-X rely on: names, arguments and units are fixed."""

from __future__ import annotations

from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing.implied_vol import STATUS_NAMES, IvStatus, implied_vol

__all__ = ["STATUS_NAMES", "IvStatus", "greeks", "implied_vol"]
