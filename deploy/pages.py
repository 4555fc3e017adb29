"""Gather the Markdown pages and the files that they link to, for ``make docs``.

    python -m deploy.pages FOLDER

Every file keeps its place, so that a link between two of them is right in the site as well.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_ELSEWHERE = ("https://", "http://")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[str]:
    """Yield the links and pictures of a page that lead to files of the repository."""
    for link in _LINK.findall(prose(page)):
        if not link.startswith(_ELSEWHERE):
            yield link


def target(page: Path, link: str) -> Path:
    """Return the file or folder that a link of a page leads to."""
    path = link.partition("#")[0]
    return (page.parent / path).resolve() if path else page


def gather(folder: Path) -> None:
    """Copy the pages and the files that they link to into an empty folder.

    A folder that is linked to is created with its files, and without its folders.
    """
    for source in sorted({*PAGES, *(target(page, link) for page in PAGES for link in links(page))}):
        for file in sorted(source.iterdir()) if source.is_dir() else [source]:
            if file.is_file():
                copy = folder / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
