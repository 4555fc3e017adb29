"""What a run of planted changes is reported as."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.catalog import Catalog, catalog, sample
from tests.mutants.planting import Finding, Outcome
from tests.mutants.report import EQUIVALENT, equivalents, share, table, unnoticed

ROOT = Path(__file__).resolve().parents[3]
#: Of areas without an equivalent change.
OTHERS = (
    "angel_x/adapters/postgres/audit.py",
    "angel_x/domain/book/margin_pool.py",
    "angel_x/entrypoints/api/compression.py",
    "config/market/charges.json",
)
NOTICED = Finding("a1", "money", "a.py", "sign", "f", 1, "a + b", "a - b", "noticed", "unit", "t")
UNNOTICED = replace(NOTICED, name="a2", outcome=Outcome.UNNOTICED.value, stage="", test="")
NONE = replace(UNNOTICED, name="a3", outcome=Outcome.NONE.value)


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The changes of the files that have an equivalent one, and of a file of each other area.

    All files would take a quarter of the unit tests' time.
    """
    tree = tmp_path_factory.mktemp("tree")
    named = re.findall(r'^where = "([\w/]+\.py)', EQUIVALENT.read_text("utf-8"), re.MULTILINE)
    assert len(named) == len(equivalents())
    for path in {*named, *OTHERS}:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, tree / path)
    return catalog(tree)


def test_equivalent_changes_count_neither_way() -> None:
    found = [NOTICED, UNNOTICED, NONE]

    assert share(found, {}) == 0.5
    assert share(found, {"a2": "the sum is zero"}) == 1.0
    assert "a2" in unnoticed(found, {})
    assert not unnoticed(found, {"a2": "the sum is zero"})


def test_a_reason_does_not_make_a_noticed_change_equivalent() -> None:
    assert share([NOTICED, UNNOTICED], {"a1": "wrong"}) == 0.5


def test_the_table_has_a_row_for_each_area_that_was_planted_in() -> None:
    lines = table([NOTICED, UNNOTICED, NONE], {}).splitlines()

    assert lines[2:] == [
        "| money | 2 | 0 | 1 | 0 | 0 | 1 | 50.0% |",
        "| **all** | 2 | 0 | 1 | 0 | 0 | 1 | 50.0% |",
    ]


def test_a_seed_draws_the_same_changes_and_every_area(changes: Catalog) -> None:
    drawn = sample(changes, 60, seed=3)

    assert [m.name for _, m in drawn] == [m.name for _, m in sample(changes, 60, seed=3)]
    assert [m.name for _, m in drawn] != [m.name for _, m in sample(changes, 60, seed=4)]
    assert {area for area, _ in drawn} == set(changes)
    assert 57 <= len(drawn) <= 63


def test_every_equivalent_change_can_still_be_planted(changes: Catalog) -> None:
    names = {m.name for found in changes.values() for m in found}

    assert set(equivalents()) <= names
    assert all(equivalents().values())
