"""The order types: the prices that each needs, and the validities and products that it allows.

A type takes a price exactly where it needs one.  The order form, the listing rules, amendments, the
SQL, the OpenAPI document and the reference read this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from angel_x.domain.orders.order import OrderType, Product, Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTypeRules:
    """One row of the table."""

    #: One sentence for the reference.
    meaning: str
    #: Whether its owner names a limit price.
    has_limit: bool = False
    #: Whether its owner names a trigger price, which must not lie beyond the limit.
    has_trigger: bool = False
    validities: frozenset[Validity] = frozenset(Validity)
    products: frozenset[Product] = frozenset(Product)
    #: Why the exchange does not take it; None where it does.
    refusal: str | None = None


#: Every order type.
ORDER_TYPES: Mapping[OrderType, OrderTypeRules] = MappingProxyType(
    {
        OrderType.MARKET: OrderTypeRules(
            meaning="Trades at once, at any price inside the protection band.",
        ),
        OrderType.LIMIT: OrderTypeRules(
            meaning="Trades at its limit price or better.",
            has_limit=True,
        ),
        OrderType.STOP_LIMIT: OrderTypeRules(
            meaning="Waits until the last price reaches its trigger; a limit order from then on.",
            has_limit=True,
            has_trigger=True,
        ),
        OrderType.STOP_MARKET: OrderTypeRules(
            meaning="Waits until the last price reaches its trigger; at market from then on.",
            has_trigger=True,
            refusal=(
                "NSE refuses stop orders without a limit on index options since 27-Sep-2021 "
                "(error 16052)"
            ),
        ),
    }
)

#: Types with a limit price in the request.
LIMITED = frozenset(kind for kind, rules in ORDER_TYPES.items() if rules.has_limit)
#: Types that wait for a trigger.
TRIGGERED = frozenset(kind for kind, rules in ORDER_TYPES.items() if rules.has_trigger)
#: Types that the exchange takes, in the order of the table.
TAKEN = tuple(kind for kind, rules in ORDER_TYPES.items() if rules.refusal is None)


def listed(kinds: Iterable[OrderType]) -> str:
    """Return types as words, in the order of the table: ``MARKET, LIMIT or SL``."""
    wanted = frozenset(kinds)
    names = [kind.value for kind in ORDER_TYPES if kind in wanted]
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
