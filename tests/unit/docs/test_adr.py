from __future__ import annotations

import re

from tests.unit.docs.pages import ROOT

DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
INDEX = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(file.name[:4]) for file in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))


def test_a_file_is_named_by_its_decision() -> None:
    for file in DECISIONS:
        title = file.read_text(encoding="utf-8").splitlines()[0]
        number, _, decision = title.removeprefix("# ").partition(": ")
        words = re.sub(r"[^a-z0-9 ]", "", decision.lower()).replace(" ", "-")

        assert file.name == f"{number}-{words}.md"


def test_a_decision_says_what_for_and_at_what_price() -> None:
    for file in DECISIONS:
        text = file.read_text(encoding="utf-8")
        positions = [
            text.index(f"\n## {part}\n")
            for part in ("Context", "Decision", "Consequences", "Alternatives")
        ]

        assert positions == sorted(positions), file.name
        assert re.search(r"^(Accepted|Replaced by .+), \d{4}-\d\d-\d\d", text, re.MULTILINE)


def test_the_index_holds_every_decision_under_its_title() -> None:
    for file in DECISIONS:
        title = file.read_text(encoding="utf-8").splitlines()[0].partition(": ")[2]

        assert f"| [{file.name[:4]}]({file.name}) | {title} |" in INDEX
