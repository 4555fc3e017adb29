"""Which tests to run for a change: those that run its line, the nearest and quickest first."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.places import Place, place_at, places_of, users_of

#: Seconds of tests, as measured alone, that are run at most for one change.
UNIT_SECONDS = 60.0
INTEGRATION_SECONDS = 120.0

#: The table of rights.
_RIGHTS = "tests/integration/rights/"
#: Requests that a route refuses before any line of it runs.
_REFUSED = "tests/integration/api/test_bad_input.py"
_ROUTES = "angel_x/entrypoints/api/"
_DEFINED = re.compile(r"def (test_\w+)")

#: By file and line, the tests that run it.
Lines = Mapping[str, Mapping[int, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measured run of the suite has shown."""

    lines: Lines
    #: Seconds of each test, all of its parameters together.
    seconds: Mapping[str, float]

    @classmethod
    def read(cls, path: Path) -> Measured:
        stored = json.loads(path.read_text(encoding="utf-8"))
        names = stored["tests"]
        lines = {
            file: {int(line): [names[i] for i in tests] for line, tests in rows.items()}
            for file, rows in stored["lines"].items()
        }
        return cls(lines, stored["seconds"])


class Selection:
    """Chooses tests, and learns from those that have noticed a change."""

    def __init__(
        self, root: Path, measured: Measured, allowed: Container[str] | None = None
    ) -> None:
        self._root = root
        self._measured = measured
        #: Names of test functions; None allows all.
        self._allowed = allowed
        #: Those that came after the suite was measured are among them.
        self._tests = set(measured.seconds) | tests_of(root, "HEAD")
        self._noticed: Counter[tuple[str, str, str]] = Counter()

    def learn(self, path: str, place: str, test: str) -> None:
        """Let a test that noticed a change come first for others of the same place."""
        name = without_parameters(test)
        self._noticed[path, place, name] += 2
        self._noticed[path, "", name] += 1

    def unit(self, mutant: Mutant) -> list[str]:
        """Return tests that need no server."""
        return self._chosen(mutant, "tests/unit/", UNIT_SECONDS)

    def integration(self, mutant: Mutant) -> list[str]:
        """Return tests that run in this process against real servers."""
        return self._chosen(mutant, "tests/integration/", INTEGRATION_SECONDS)

    def seconds(self, tests: Iterable[str]) -> float:
        return sum(self._measured.seconds.get(test, 0.0) for test in tests)

    def _chosen(self, mutant: Mutant, folder: str, most: float) -> list[str]:
        """Return tests of a folder until they take ``most`` seconds."""
        chosen: list[str] = []
        spent = 0.0
        # What is cached runs in the test that asks first; the mirror of the module asks again.
        mirrors = {test for test in self._tests if _is_mirror(test, mutant)}
        running = self._running(mutant) | mirrors
        found = {test for test in running if self._is_allowed(test, folder)}
        for test in sorted(found, key=lambda test: self._rank(mutant, test)):
            spent += self._measured.seconds.get(test, 0.0)
            if chosen and spent > most:
                break
            chosen.append(test)
        return chosen

    def _is_allowed(self, test: str, folder: str) -> bool:
        return test.startswith(folder) and (self._allowed is None or test in self._allowed)

    def _rank(self, mutant: Mutant, test: str) -> tuple[int, bool, float, str]:
        seen = (
            self._noticed[mutant.path, mutant.place, test] or self._noticed[mutant.path, "", test]
        )
        return -seen, not _is_mirror(test, mutant), self._measured.seconds.get(test, 0.0), test

    def _running(self, mutant: Mutant) -> set[str]:
        if mutant.path.endswith(".json"):
            return set(self._reading(Path(mutant.path).stem))
        if mutant.kind.startswith("scope"):
            # A key that is refused does not run the line.
            return {test for test in self._tests if test.startswith(_RIGHTS)}
        lines, places = self._measured.lines.get(mutant.path, {}), self._places(mutant.path)
        place = place_at(places, mutant.line)
        if place is None:
            return set(_all(lines))
        if place.is_function:
            # The lines above the body run at import, whoever imports first.
            exactly = set(lines.get(mutant.line, ())) if mutant.line >= place.body else None
            return exactly or _within(lines, place)
        found = self._needing(mutant.path, place) or set(_all(lines))
        if mutant.path.startswith(_ROUTES):
            found |= {test for test in self._tests if test.startswith(_REFUSED)}
        return found

    def _needing(self, path: str, place: Place) -> set[str]:
        """Return the tests of the functions that need a statement, in this file and in others."""
        found: set[str] = set()
        for file, lines in self._measured.lines.items():
            if file == path or _imports(self._source(file), path, place.binds):
                for user in users_of(self._places(file), place):
                    found |= _within(lines, user)
        return found

    def _reading(self, table: str) -> Iterator[str]:
        """Yield the tests of tables, then those of the rules that are made of them."""
        for test in self._measured.seconds:
            file = test.partition("::")[0]
            if file.startswith(("tests/unit/config", "tests/unit/domain", "tests/unit/services")):
                yield test

    def _places(self, path: str) -> list[Place]:
        return _parsed(self._root / path)

    def _source(self, path: str) -> str:
        return _text(self._root / path)


def _is_mirror(test: str, mutant: Mutant) -> bool:
    stem = Path(test.partition("::")[0]).stem.removeprefix("test_")
    return stem.startswith(Path(mutant.path).stem)


def tests_of(root: Path, revision: str) -> set[str]:
    """Return the names of the test functions that a revision has."""
    git = ["git", "-C", str(root), "grep", "--no-color", "-E", r"^(async )?def test_", revision]
    found = subprocess.run([*git, "--", "tests"], check=True, capture_output=True, text=True)
    lines = (line.removeprefix(f"{revision}:").partition(":") for line in found.stdout.splitlines())
    return {f"{path}::{name}" for path, _, code in lines for name in _DEFINED.findall(code)}


def without_parameters(test: str) -> str:
    """Return the name of a test function."""
    return test.partition("[")[0]


@cache
def _parsed(path: Path) -> list[Place]:
    return places_of(_text(path))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _imports(source: str, path: str, names: Iterable[str]) -> bool:
    module = path.removesuffix(".py").replace("/", ".")
    return f"from {module} import" in source and any(name in source for name in names)


def _within(lines: Mapping[int, Sequence[str]], place: Place) -> set[str]:
    body = range(place.body, place.last + 1)
    return {test for line in body for test in lines.get(line, ())}


def _all(lines: Mapping[int, Sequence[str]]) -> Iterator[str]:
    for tests in lines.values():
        yield from tests


def stored(
    contexts: Mapping[str, Mapping[int, Sequence[str]]], seconds: Mapping[str, float]
) -> str:
    """Return the text of a file that :meth:`Measured.read` reads."""
    numbers: dict[str, int] = defaultdict(lambda: len(numbers))
    lines = {
        file: {line: sorted({numbers[test] for test in tests}) for line, tests in rows.items()}
        for file, rows in contexts.items()
    }
    return json.dumps({"tests": list(numbers), "lines": lines, "seconds": seconds})
