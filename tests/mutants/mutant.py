"""One planted change: where it stands, which kind it is, and the file as it reads with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Mutant:
    """A single wrong change to one file of the product."""

    #: Relative to the root of the checkout, with forward slashes.
    path: str
    kind: str
    #: The function, constant or cell that holds the change, such as ``Book.decide``.
    place: str
    line: int
    #: The source line as it stands, without indentation.
    before: str
    #: Which of the changes of this kind within ``place`` on equal lines it is.
    occurrence: int
    #: Returns the changed source, or None where the change turns out to be none.
    change: Callable[[str], str | None] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """Twelve letters that stay the same while the file around the change moves."""
        said = (self.path, self.kind, self.place, self.before, self.occurrence)
        return blake2b(repr(said).encode(), digest_size=6).hexdigest()


def numbered(found: list[Mutant]) -> list[Mutant]:
    """Return the mutants with their occurrences counted from zero."""
    seen: dict[tuple[str, str, str, str], int] = {}
    numbered: list[Mutant] = []
    for one in found:
        key = one.path, one.kind, one.place, one.before
        count = seen.get(key, 0)
        seen[key] = count + 1
        numbered.append(
            Mutant(one.path, one.kind, one.place, one.line, one.before, count, one.change)
        )
    return numbered


def replaced(start: int, end: int, text: str) -> Callable[[str], str | None]:
    """Return a change that puts ``text`` in place of the characters from ``start`` to ``end``."""
    return lambda source: f"{source[:start]}{text}{source[end:]}"


def difference(before: str, after: str) -> tuple[str, str]:
    """Return the lines that differ, joined, as they were and as they are."""
    old, new = before.splitlines(), after.splitlines()
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return _joined(old[head : len(old) - tail]), _joined(new[head : len(new) - tail])


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)
