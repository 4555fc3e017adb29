from __future__ import annotations

from angel_x.entrypoints.presentation.problem_types import PROBLEM_TYPES
from angel_x.entrypoints.problem_reference import reference
from tests.unit.docs.pages import ROOT

FILE = ROOT / "docs" / "reference" / "problems.md"


def test_the_reference_of_problems_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), (
        "run: python -m angel_x.entrypoints.problem_reference > docs/reference/problems.md"
    )


def test_the_reference_has_one_heading_for_each_type() -> None:
    for kind in PROBLEM_TYPES:
        assert reference().count(f"\n## {kind.name}\n\n`{kind.urn}`, ") == 1
