from __future__ import annotations

from enum import StrEnum

import pytest

from angel_x.domain.book.limits import LimitKind
from angel_x.domain.orders.denial import CancelReason, DenialReason, MoveReason
from angel_x.entrypoints.denial_reference import explanations, reference
from tests.unit.docs.pages import ROOT

FILE = ROOT / "docs" / "reference" / "denials.md"


def test_the_reference_of_reasons_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), (
        "run: python -m angel_x.entrypoints.denial_reference > docs/reference/denials.md"
    )


@pytest.mark.parametrize("enum", [DenialReason, CancelReason, MoveReason, LimitKind])
def test_every_member_is_explained_by_a_sentence(enum: type[StrEnum]) -> None:
    explained = explanations(enum)

    assert list(explained) == [member.value for member in enum]
    assert all(text.endswith(".") for text in explained.values())


def test_a_member_without_a_sentence_is_an_error() -> None:
    with pytest.raises(LookupError, match="UNEXPLAINED"):
        explanations(Sparse)


class Sparse(StrEnum):
    EXPLAINED = "explained"
    """It says what it is."""

    UNEXPLAINED = "unexplained"
