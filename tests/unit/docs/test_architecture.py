"""The pictures in ARCHITECTURE.md: imports as import-linter sees them, and the moves of an order on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

import grimp
import pytest

from angel_x.domain.orders.order import TRANSITIONS
from tests.unit.docs.pages import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGES = ("angel_x", "beat_schedule", "config", "tasks")

#: Statuses of a venue that answers after its transaction.
OF_LIVE_VENUES = {"submitting", "rejected", "pending_cancel", "pending_amend"}

Arrow = tuple[str, str]


def drawn() -> set[Arrow]:
    """Return the arrows of the first picture."""
    picture = re.search(r"^```mermaid\n(flowchart TD\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert picture
    plain = re.sub(r'\["[^"]*"\]', "", picture[1])
    return set(re.findall(r"^\s*(\w+) --> (\w+)$", plain, re.MULTILINE))


def room(module: str) -> str:
    """Return the box of a module: a room of angel_x, or another top-level package."""
    parts = module.split(".")
    return parts[1] if parts[0] == "angel_x" and len(parts) > 1 else parts[0]


@pytest.fixture(scope="module")
def imported() -> set[Arrow]:
    """Every import between two boxes; that of the lazy ``angel_x.Client`` belongs to neither."""
    graph = grimp.build_graph(*PACKAGES)
    pairs = {
        (room(module), room(target))
        for module in graph.modules
        for target in graph.find_modules_directly_imported_by(module)
    }
    return {(one, other) for one, other in pairs if one != other and "angel_x" not in (one, other)}


def followed(arrows: set[Arrow], start: str) -> Iterator[str]:
    """Yield every box that arrows lead to."""
    waiting, seen = [start], set[str]()
    while waiting:
        here = waiting.pop()
        for one, other in arrows:
            if one == here and other not in seen:
                seen.add(other)
                waiting.append(other)
                yield other


def test_every_arrow_is_an_import_and_every_import_follows_from_arrows(
    imported: set[Arrow],
) -> None:
    arrows = drawn()

    assert arrows - imported == set(), "these arrows are no imports"
    missing = {(one, other) for one, other in imported if other not in followed(arrows, one)}
    assert missing == set(), "no arrows lead from the first to the second"


def test_no_arrow_is_drawn_that_others_imply() -> None:
    arrows = drawn()

    assert len(arrows) > 10
    for one, other in arrows:
        assert other not in followed(arrows - {(one, other)}, one), f"{one} --> {other}"


def test_the_moves_of_an_order_on_paper_are_those_of_the_table() -> None:
    picture = re.search(r"^stateDiagram-v2\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert picture
    moves = set(re.findall(r"^\s*(\w+) --> (\w+)", picture[1], re.MULTILINE))

    table = {(one.value, other.value) for one in TRANSITIONS for other in TRANSITIONS[one]}
    assert moves == {move for move in table if not OF_LIVE_VENUES & set(move)}
