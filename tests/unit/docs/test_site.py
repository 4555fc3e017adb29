from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.pages import PAGES, gather, links, target
from tests.unit.docs.pages import ROOT

#: Folders whose pages are found by their index.
INDEXED = ("docs/adr", "docs/runbooks")


def entries(part: Any) -> Iterator[str]:
    """Yield every page of a navigation, however deep."""
    if isinstance(part, str):
        yield part
    else:
        for each in part.values() if isinstance(part, dict) else part:
            yield from entries(each)


def test_the_navigation_of_the_site_names_every_page_once() -> None:
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    named = sorted(entries(project["nav"]))

    pages = [str(page.relative_to(ROOT)) for page in PAGES]
    assert named == sorted(
        page for page in pages if not page.startswith(INDEXED) or page.endswith("/README.md")
    )


def test_the_site_holds_every_file_that_a_page_links_to(tmp_path: Path) -> None:
    gather(tmp_path)

    gathered = [tmp_path / page.relative_to(ROOT) for page in PAGES]
    assert all(page.exists() for page in gathered)
    missing = [
        (page, link) for page in gathered for link in links(page) if not target(page, link).exists()
    ]
    assert missing == []
