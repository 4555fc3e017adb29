"""Every change that could be planted, and a seeded sample of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from tests.mutants.areas import AREAS, Area, files_of
from tests.mutants.mutant import Mutant, numbered
from tests.mutants.python_kinds import python_mutants
from tests.mutants.sql_kinds import sql_mutants
from tests.mutants.table_kinds import table_mutants

Catalog = Mapping[str, Sequence[Mutant]]


def catalog(root: Path) -> Catalog:
    """Return all changes by the name of their area."""
    return {area.name: _of_area(area, root) for area in AREAS}


def sample(
    changes: Catalog, size: int, seed: int, only: str | None = None
) -> list[tuple[str, Mutant]]:
    """Return ``size`` changes with their areas, each area by its share, or of one area alone.

    The same seed draws the same changes; a larger sample begins with the smaller one of each area.
    """
    drawn: list[tuple[str, Mutant]] = []
    areas = [area for area in AREAS if only in (None, area.name)]
    shares = sum(area.share for area in areas)
    for area in areas:
        # Every kind comes in turn, so that the many comparisons do not crowd out the few locks.
        queue = _in_turn(changes[area.name], f"{seed} {area.name}")
        count = round(size * area.share / shares)
        drawn += [(area.name, one) for one in queue[:count]]
    return drawn


def _of_area(area: Area, root: Path) -> list[Mutant]:
    found: list[Mutant] = []
    for path in files_of(area, root):
        source = (root / path).read_text(encoding="utf-8")
        if path.endswith(".json"):
            found += table_mutants(path, source)
        else:
            found += python_mutants(path, source) + sql_mutants(path, source)
    return numbered(found)


def _in_turn(changes: Sequence[Mutant], seed: str) -> list[Mutant]:
    """Return the changes so that no file and no kind comes again before the others have come.

    Each draws its own lot, so that code which changes elsewhere leaves its place alone.
    """
    turns: dict[tuple[str, str], int] = {}
    places: dict[str, float] = {}
    for one in sorted(changes, key=lambda one: _lot(seed, "turn", one)):
        key = one.path, one.kind
        turns[key] = turns.get(key, 0) + 1
        # The later its turn the later it comes, as a rule: large files stay ahead of small ones.
        places[one.name] = turns[key] * _lot(seed, "place", one)
    return sorted(changes, key=lambda one: places[one.name])


def _lot(seed: str, use: str, one: Mutant) -> float:
    """Return a number from 0 to 1 that depends on nothing but these."""
    digest = blake2b(f"{seed} {use} {one.name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
