from __future__ import annotations

from angel_x.entrypoints.greek_reference import reference
from tests.unit.docs.pages import ROOT

FILE = ROOT / "docs" / "reference" / "greeks.md"


def test_the_reference_of_the_greeks_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), (
        "run: python -m angel_x.entrypoints.greek_reference > docs/reference/greeks.md"
    )
