"""The Markdown pages of the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from deploy.pages import prose

ROOT = Path(__file__).resolve().parents[3]

_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return what ``#…`` may name, as GitHub makes it from the headings."""
    headings = _HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def rows(page: Path) -> Iterator[list[str]]:
    """Yield the cells of every table row."""
    for line in prose(page).splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
