"""Planting changes one after the other, each in front of the tests that should notice it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.areas import AREAS
from tests.mutants.mutant import Mutant, difference
from tests.mutants.selection import Selection
from tests.mutants.trees import Run, Tree

#: Seconds that a run may take besides its tests, and times that those may take of what they took
#: when they were measured: a machine may be ten times slower in the next minute.
_START_SECONDS = 60.0
_PATIENCE = 10.0
#: Seconds of tests with processes of their own, which are not measured one by one.
_WIDER_SECONDS = 1200.0


class Outcome(StrEnum):
    """What became of a change."""

    NOTICED = "noticed"
    #: The tests did not end.
    LATE = "late"
    UNNOTICED = "unnoticed"
    #: The change cannot be made, or leaves the file as it is.
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """A change and what noticed it; written as one line of JSON."""

    name: str
    area: str
    path: str
    kind: str
    place: str
    line: int
    before: str
    after: str
    outcome: str
    #: Where it was noticed: unit, integration or wider.
    stage: str = ""
    #: The test that failed first.
    test: str = ""

    @classmethod
    def read(cls, path: Path) -> dict[str, Finding]:
        """Return the findings of a file by name; the last one of a name counts."""
        if not path.is_file():
            return {}
        lines = path.read_text(encoding="utf-8").splitlines()
        found = (cls(**json.loads(line)) for line in lines)
        return {finding.name: finding for finding in found}


class Planting:
    """Plants changes in several trees at a time and appends each finding to a file."""

    def __init__(
        self, root: Path, selection: Selection, results: Path, *, trees: int, wider: bool
    ) -> None:
        self._root = root
        self._selection = selection
        self._results = results
        self._wider = wider
        self._lock = threading.Lock()
        self._trees: SimpleQueue[Tree] = SimpleQueue()
        self._made = [Tree(root, results.parent / f"trees/{n}/main") for n in range(trees)]
        for tree in self._made:
            self._trees.put(tree)

    def run(self, planted: Sequence[tuple[str, Mutant]], tell: Callable[[Finding], None]) -> None:
        """Plant these changes, in this order; ``tell`` hears of each when it has ended."""
        with ThreadPoolExecutor(len(self._made)) as pool:
            for finding in pool.map(lambda one: self._plant(*one), planted):
                tell(finding)

    def close(self) -> None:
        for tree in self._made:
            tree.close()

    def _plant(self, area: str, mutant: Mutant) -> Finding:
        source = (self._root / mutant.path).read_text(encoding="utf-8")
        changed = mutant.change(source)
        outcome, stage, run = Outcome.NONE, "", Run("", is_noticed=False)
        if changed is not None and _is_valid(mutant.path, changed):
            tree = self._trees.get()
            try:
                outcome, stage, run = self._noticed(tree, area, mutant, changed)
            finally:
                self._trees.put(tree)
        before, after = _said(mutant, source, changed)
        finding = Finding(
            mutant.name, area, mutant.path, mutant.kind, mutant.place, mutant.line, before, after,
            outcome.value, stage, run.failed,
        )  # fmt: skip
        with self._lock, self._results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(finding)) + "\n")
            if run.failed and stage != "wider":
                self._selection.learn(mutant.path, mutant.place, run.failed)
        return finding

    def _noticed(
        self, tree: Tree, area: str, mutant: Mutant, changed: str
    ) -> tuple[Outcome, str, Run]:
        run = Run("", is_noticed=False)
        for stage, tests, seconds in self._stages(area, mutant):
            with tree.changed(mutant.path, changed):
                run = tree.run(tests, seconds)
            if run.is_noticed and (stage != "wider" or _fails_by_change(tree, run, seconds)):
                return (Outcome.LATE if run.is_late else Outcome.NOTICED), stage, run
        return Outcome.UNNOTICED, "", run

    def _stages(self, area: str, mutant: Mutant) -> Iterator[tuple[str, list[str], float]]:
        with self._lock:
            stages = [
                ("unit", self._selection.unit(mutant)),
                ("integration", self._selection.integration(mutant)),
            ]
        for stage, tests in stages:
            if tests:
                seconds = self._selection.seconds(tests)
                yield stage, tests, _START_SECONDS + _PATIENCE * seconds
        wider = next(one.wider for one in AREAS if one.name == area)
        present = [name for name in wider if (self._root / name).exists()]
        if self._wider and present:
            yield "wider", present, _WIDER_SECONDS


def _fails_by_change(tree: Tree, run: Run, seconds: float) -> bool:
    """Say whether the test that failed passes without the change, so that chance proves nothing."""
    return not run.failed or not tree.run([run.failed], seconds).is_noticed


def _is_valid(path: str, source: str) -> bool:
    if path.endswith(".py"):
        try:
            compile(source, path, "exec")
        except SyntaxError:
            return False
    return True


def _said(mutant: Mutant, source: str, changed: str | None) -> tuple[str, str]:
    if changed is None or mutant.path.endswith(".json"):
        return mutant.before, ""
    return difference(source, changed)
