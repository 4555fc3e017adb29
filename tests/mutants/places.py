"""Where in a Python file a line stands: its function or constant, and who uses a constant."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """A function, or a statement of a module or class that runs at import."""

    name: str
    first: int
    #: The first line of the body, or of the statement.
    body: int
    last: int
    is_function: bool
    #: Names that are read here.
    uses: frozenset[str]
    #: Names that a statement binds for others.
    binds: frozenset[str] = field(default=frozenset())


def places_of(source: str) -> list[Place]:
    """Return the functions and statements of a module, in order, methods among them."""
    return list(_places(ast.parse(source).body, ()))


def place_at(places: list[Place], line: int) -> Place | None:
    """Return the innermost place that holds a line."""
    holding = [p for p in places if p.first <= line <= p.last]
    return min(holding, key=lambda p: p.last - p.first, default=None)


def users_of(places: list[Place], place: Place) -> list[Place]:
    """Return the functions that need a statement, also through other statements."""
    wanted, users = set(place.binds), list[Place]()
    statements = [p for p in places if not p.is_function]
    grown = True
    while grown:
        more = {n for p in statements if p.uses & wanted for n in p.binds} - wanted
        wanted |= more
        grown = bool(more)
    users += [p for p in places if p.is_function and p.uses & wanted]
    return users


def _places(body: list[ast.stmt], path: tuple[str, ...]) -> Iterator[Place]:
    for node in body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        last = node.end_lineno or node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = ".".join([*path, node.name])
            inside = node.body[0].lineno
            yield Place(name, first, inside, last, is_function=True, uses=_used(node))
        elif isinstance(node, ast.ClassDef):
            yield from _places(node.body, (*path, node.name))
        else:
            binds = _bound(node) | ({path[0]} if path else set())
            name = ".".join([*path, *sorted(_bound(node))[:1]])
            yield Place(
                name,
                first,
                first,
                last,
                is_function=False,
                uses=_used(node),
                binds=frozenset(binds),
            )


def _used(node: ast.AST) -> frozenset[str]:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return frozenset(names | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)})


def _bound(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)}
