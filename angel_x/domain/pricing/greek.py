"""The Greeks: name, unit, column and format of each, once for kernels, cache, API, CLI and docs.

A new Greek is a member of :class:`GreekField`, an entry of :data:`GREEKS`, a field of
:class:`UnitGreeks` (and of :class:`NetSums` where portfolios sum it), and its formula in
``black_scholes`` and in ``compiled.loops``; at the limits of ``limits`` it is zero unless stated there.

Inside the pricing kernel volatility and rate count per 1.00 and time per year.  Outside it the units
are one vol point, one calendar day and 1 % of interest; an implied volatility is always a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

DAYS_PER_YEAR = 365.0
_PERCENT = 0.01
_DAY = 1.0 / DAYS_PER_YEAR


class GreekField(IntEnum):
    """The row of a field in an array of published columns; the Greeks stand in the kernel's order."""

    IMPLIED_VOL = 0
    #: Rupees: the model price at the implied volatility.
    PRICE = auto()
    DELTA = auto()
    GAMMA = auto()
    VEGA = auto()
    THETA = auto()
    RHO = auto()
    VANNA = auto()
    VOLGA = auto()
    CHARM = auto()
    SPEED = auto()
    #: Rupees.
    FORWARD = auto()
    #: A :class:`~angel_x.domain.pricing.forward.ForwardSource`.
    FORWARD_SOURCE = auto()
    #: A :class:`~angel_x.domain.pricing.iv_status.IvStatus` or :class:`~angel_x.domain.pricing.pricing_status.MarketStatus`.
    STATUS = auto()


GREEK_FIELDS = tuple(field.name.lower() for field in GreekField)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greek:
    """One Greek of one unit of a contract."""

    field: GreekField
    #: Unit outside the kernel, as the reference prints it.
    unit: str
    #: Heading of the sums of a portfolio.
    heading: str
    #: Decimals in a table of contracts; None prints one digit and an exponent.
    places: int | None
    #: Units outside the kernel in one unit of the kernel.
    scale: float = 1.0
    #: Order of the derivative by the forward, which moves in proportion to the spot.
    spot_power: int = 0
    #: Whether positions show it.
    in_positions: bool = False
    #: Whether portfolios sum it over positions.
    is_summed: bool = True

    @property
    def name(self) -> str:
        return self.field.name.lower()


#: In the order of the columns.
GREEKS = (
    Greek(
        field=GreekField.DELTA,
        unit="rupees for one rupee of the spot; the forward is taken to move in proportion",
        heading="delta",
        places=3,
        spot_power=1,
        in_positions=True,
    ),
    Greek(
        field=GreekField.GAMMA,
        unit="delta for one rupee of the spot",
        heading="gamma",
        places=6,
        spot_power=2,
        in_positions=True,
    ),
    Greek(
        field=GreekField.VEGA,
        unit="rupees for one vol point",
        heading="vega / vol point",
        places=2,
        scale=_PERCENT,
        in_positions=True,
    ),
    Greek(
        field=GreekField.THETA,
        unit="rupees for one calendar day; the forward is held",
        heading="theta / day",
        places=2,
        scale=_DAY,
        in_positions=True,
    ),
    Greek(
        field=GreekField.RHO,
        unit="rupees for 1 % of interest; the spot is held",
        heading="rho / 1 %",
        places=2,
        scale=_PERCENT,
    ),
    Greek(
        field=GreekField.VANNA,
        unit="delta for one vol point",
        heading="vanna",
        places=4,
        scale=_PERCENT,
        spot_power=1,
    ),
    Greek(
        field=GreekField.VOLGA,
        unit="vega for one vol point",
        heading="volga",
        places=4,
        scale=_PERCENT**2,
    ),
    Greek(
        field=GreekField.CHARM,
        unit="delta for one calendar day; the forward is held",
        heading="charm",
        places=4,
        scale=_DAY,
        spot_power=1,
    ),
    Greek(
        field=GreekField.SPEED,
        unit="gamma for one rupee of the spot",
        heading="speed",
        places=None,
        spot_power=3,
        is_summed=False,
    ),
)
GREEK_NAMES = tuple(greek.name for greek in GREEKS)
#: The rows that a pricing kernel writes, in this order.
OUTPUTS = ("price", *GREEK_NAMES)
#: The Greeks that positions show, and those that portfolios sum.
POSITION_GREEKS = tuple(greek for greek in GREEKS if greek.in_positions)
SUMMED_GREEKS = tuple(greek for greek in GREEKS if greek.is_summed)


# Without slots, so that a record may have fields before these: two bases with slots do not combine.
@dataclass(frozen=True, kw_only=True)
class UnitGreeks:
    """The Greeks of one unit of a contract, in the units of :data:`GREEKS`; None where none is published."""

    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    rho: float | None
    vanna: float | None
    volga: float | None
    charm: float | None
    speed: float | None


@dataclass(frozen=True, slots=True)
class NetSums:
    """Greeks times units, summed over positions, in the units of :data:`GREEKS`.

    A field with a default is missing from portfolios that older versions stored.
    """

    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float | None = None
    vanna: float | None = None
    volga: float | None = None
    charm: float | None = None
