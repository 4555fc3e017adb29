"""Changes to SQL in string literals: conjuncts, locks, conflict clauses, order, columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.mutants.mutant import Mutant, replaced
from tests.mutants.places import place_at, places_of

#: Start, end and text that takes its place, within the literal.
Edit = tuple[int, int, str]

_STATEMENT = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE \w+ (\w+ )?SET|DELETE FROM|JOIN|WHERE|CREATE|ALTER)\b"
)
#: Where a condition ends that stands outside parentheses.
_ENDS = re.compile(
    r"\b(AND|OR|ORDER BY|GROUP BY|LIMIT|FOR (NO KEY )?UPDATE|LEFT JOIN|CROSS JOIN|JOIN|WHERE"
    r"|RETURNING|UNION|THEN|ON CONFLICT|OFFSET|FROM|SELECT)\b|;|\"\"\"|\"$"
)
_LOCK = re.compile(r"FOR (?:NO KEY )?(?:UPDATE|SHARE)(?: SKIP LOCKED)?")
_ADVISORY = re.compile(r"pg_(?:try_)?advisory_xact_lock\w*(?=\()")
_NOT = re.compile(r"\bNOT (?!NULL|EXISTS|MATERIALIZED|IN\b|DISTINCT|DEFERRABLE|VALID)(?=[a-z(])")
_SWAPS = {
    r"\bIS NULL\b": "IS NOT NULL",
    r"\bIS NOT NULL\b": "IS NULL",
    r"(?<![<>=!-])<=": "<",
    r"(?<![<>=!-])>=": ">",
    r"(?<![<>=!-])<(?![>=])": "<=",
    r"(?<![<>=!-])>(?![>=])": ">=",
    r"\bLEFT JOIN\b": "JOIN",
    r"\bDISTINCT (?!FROM)": "",
    r"\bsum\(": "max(",
    r"\bmin\(": "max(",
    r"\bmax\(": "min(",
    r"\bbool_or\(": "bool_and(",
    r"\bbool_and\(": "bool_or(",
    r" DESC\b": "",
    r"\bUNIQUE INDEX\b": "INDEX",
}
#: A word, or the member of an enum that stands for one.
_WORD = re.compile(r"(?<=[=(,\s])'([a-z_]{3,}|[A-Z]{3,}|\{[A-Z]\w+\.[A-Z_]+\})'")


@dataclass(frozen=True, slots=True)
class _Literal:
    #: Characters from the start of the file.
    start: int
    text: str
    line: int


def sql_mutants(path: str, source: str) -> list[Mutant]:
    """Return every change of these kinds to the SQL of a Python file."""
    places, found = places_of(source), list[Mutant]()
    for literal in _literals(source):
        for kind, edits in _KINDS.items():
            for start, end, text in edits(literal.text):
                line = literal.line + literal.text.count("\n", 0, start)
                place = place_at(places, line)
                before = source.splitlines()[line - 1].strip()
                change = replaced(literal.start + start, literal.start + end, text)
                name = place.name if place else ""
                found.append(Mutant(path, f"SQL: {kind}", name, line, before, 0, change))
    return found


def _literals(source: str) -> Iterator[_Literal]:
    """Yield the string literals that hold SQL, quotes included."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines()
    tree = ast.parse(source)
    inner = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in ast.walk(n)}
    for node in ast.walk(tree):
        is_whole = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        if not is_whole or (id(node) in inner and not isinstance(node, ast.JoinedStr)):
            continue
        assert isinstance(node, ast.Constant | ast.JoinedStr)
        start = starts[node.lineno - 1] + _characters(lines[node.lineno - 1], node.col_offset)
        last = (node.end_lineno or node.lineno) - 1
        end = starts[last] + _characters(lines[last], node.end_col_offset or 0)
        text = source[start:end]
        if _STATEMENT.search(text):
            yield _Literal(start, text, node.lineno)


def _characters(line: str, octets: int) -> int:
    return len(line.encode()[:octets].decode())


def _conjuncts(text: str) -> Iterator[Edit]:
    for found in re.finditer(r"\bAND\b", text):
        if "BETWEEN" in text[max(0, found.start() - 60) : found.start()]:
            continue
        yield found.start(), _end_of_condition(text, found.end()), " "
    for found in re.finditer(r"\bWHERE\b(?! CURRENT)", text):
        yield found.end(), _end_of_condition(text, found.end()), " true "


def _end_of_condition(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            if not depth:
                return at
            depth -= 1
        elif not depth and _ENDS.match(text, at):
            return at
    return len(text)


def _locks(text: str) -> Iterator[Edit]:
    for found in _LOCK.finditer(text):
        yield found.start(), found.end(), ""
        if found[0].endswith(" SKIP LOCKED"):
            yield found.end() - len(" SKIP LOCKED"), found.end(), ""
    for found in _ADVISORY.finditer(text):
        yield found.start(), _closing(text, found.end()) + 1, "true"


def _closing(text: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text) - 1


def _conflicts(text: str) -> Iterator[Edit]:
    for found in re.finditer(r"ON CONFLICT (?:\([^)]*\) )?DO NOTHING", text):
        yield found.start(), found.end(), ""
    for found in re.finditer(r"ON CONFLICT \([^)]*\) DO UPDATE SET", text):
        end = _end_of_condition(text, found.end())
        yield found.start(), end, found[0].replace("UPDATE SET", "NOTHING")


def _orders(text: str) -> Iterator[Edit]:
    for found in re.finditer(r"\bORDER BY\b", text):
        yield found.start(), _end_of_condition(text, found.end()), ""
    for found in re.finditer(r"\bLIMIT %\(\w+\)s|\bLIMIT \d+", text):
        yield found.start(), found.end(), ""


def _assignments(text: str) -> Iterator[Edit]:
    """Drop one of the columns that an UPDATE sets."""
    for found in re.finditer(r"\bSET\b(?=\s+\w+ = )", text):
        end = _end_of_condition(text, found.end())
        cells = _cells(text, found.end(), end)
        for index, (start, stop) in enumerate(cells):
            if len(cells) > 1:
                yield (start, stop + 1, "") if index == 0 else (start - 1, stop, " ")


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cells, depth, first = list[tuple[int, int]](), 0, start
    for at in range(start, end):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if text[at] == "," and not depth:
            cells.append((first, at))
            first = at + 1
    return [*cells, (first, end)]


def _checks(text: str) -> Iterator[Edit]:
    for found in re.finditer(r"\bCHECK (?=\()", text):
        yield found.end(), _closing(text, found.end()) + 1, "(true)"


def _negations(text: str) -> Iterator[Edit]:
    for found in _NOT.finditer(text):
        yield found.start(), found.end(), ""


def _swaps(text: str) -> Iterator[Edit]:
    for pattern, other in _SWAPS.items():
        for found in re.finditer(pattern, text):
            yield found.start(), found.end(), other


def _words(text: str) -> Iterator[Edit]:
    for found in _WORD.finditer(text):
        yield found.start(), found.end(), f"'{found[1]}x'"


_KINDS: dict[str, Callable[[str], Iterator[Edit]]] = {
    "conjunct": _conjuncts,
    "lock": _locks,
    "conflict clause": _conflicts,
    "order or limit": _orders,
    "column": _assignments,
    "check": _checks,
    "negation": _negations,
    "comparison or function": _swaps,
    "literal": _words,
}
