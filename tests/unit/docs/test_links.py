from __future__ import annotations

from pathlib import Path

import pytest

from deploy.pages import PAGES, links, target
from tests.unit.docs.pages import ROOT, anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        found = target(page, link)
        assert found.exists(), link
        assert found.is_relative_to(ROOT), link
        if anchor := link.partition("#")[2]:
            assert anchor in anchors(found), link


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [target(page, link) for link in links(page)]
        waiting += [each for each in targets if each.suffix == ".md"]

    assert set(PAGES) - reached == set()
