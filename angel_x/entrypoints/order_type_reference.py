"""The reference of the order types, generated from their table.

``python -m angel_x.entrypoints.order_type_reference`` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from angel_x.domain.orders.order import OrderType
from angel_x.domain.orders.order_types import ORDER_TYPES, OrderTypeRules

_HEAD = """\
# Order types

Made by `python -m angel_x.entrypoints.order_type_reference`; do not edit.

A type takes a price exactly where it needs one: a price that is missing is refused, and so is one too many.

| `order_type` | `price` | `trigger_price` | `validity` | `product` | |
| --- | --- | --- | --- | --- | --- |
"""


def reference() -> str:
    """Return the whole document."""
    return _HEAD + "".join(_row(kind, rules) for kind, rules in ORDER_TYPES.items())


def _row(kind: OrderType, rules: OrderTypeRules) -> str:
    refused = f" Refused: {rules.refusal}." if rules.refusal else ""
    cells = (
        f"`{kind}`",
        _need(rules.has_limit),
        _need(rules.has_trigger),
        _choice(rules.validities),
        _choice(rules.products),
        rules.meaning + refused,
    )
    return f"| {' | '.join(cells)} |\n"


def _need(needs: bool) -> str:  # noqa: FBT001 - a column of the table
    return "required" if needs else "absent"


def _choice(allowed: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in sorted(allowed))


if __name__ == "__main__":
    sys.stdout.write(reference())
