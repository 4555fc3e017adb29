from __future__ import annotations

from angel_x.domain.orders.order import OrderType
from angel_x.entrypoints.order_type_reference import reference
from tests.unit.docs.pages import ROOT

FILE = ROOT / "docs" / "reference" / "order-types.md"


def test_the_reference_of_the_order_types_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), (
        "run: python -m angel_x.entrypoints.order_type_reference > docs/reference/order-types.md"
    )


def test_the_reference_has_a_row_for_each_type() -> None:
    for kind in OrderType:
        assert f"\n| `{kind}` | " in reference()
