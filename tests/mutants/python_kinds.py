"""Changes to Python: operators of Cosmic Ray, and the kinds that it does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

from tests.mutants.mutant import Mutant
from tests.mutants.places import place_at, places_of

Span = tuple[tuple[int, int], tuple[int, int]]

#: Operators of Cosmic Ray by the kind that a report gives them.
_BORROWED = {
    "boundary": (
        "ReplaceComparisonOperator_Lt_LtE",
        "ReplaceComparisonOperator_LtE_Lt",
        "ReplaceComparisonOperator_Gt_GtE",
        "ReplaceComparisonOperator_GtE_Gt",
        "NumberReplacer",
    ),
    "comparison": (
        "ReplaceComparisonOperator_Eq_NotEq",
        "ReplaceComparisonOperator_NotEq_Eq",
        "ReplaceComparisonOperator_Lt_Gt",
        "ReplaceComparisonOperator_LtE_GtE",
        "ReplaceComparisonOperator_Gt_Lt",
        "ReplaceComparisonOperator_GtE_LtE",
        "ReplaceComparisonOperator_Is_IsNot",
        "ReplaceComparisonOperator_IsNot_Is",
    ),
    "condition": (
        "AddNot",
        "ReplaceUnaryOperator_Delete_Not",
        "ReplaceAndWithOr",
        "ReplaceOrWithAnd",
        "ReplaceTrueWithFalse",
        "ReplaceFalseWithTrue",
    ),
    "sign": (
        "ReplaceBinaryOperator_Add_Sub",
        "ReplaceBinaryOperator_Sub_Add",
        "ReplaceBinaryOperator_Mul_Div",
        "ReplaceUnaryOperator_Delete_USub",
    ),
    "loop": ("ZeroIterationForLoop", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
    "handler": ("ExceptionReplacer",),
}
_PROVIDER = OperatorProvider()

#: Whose arguments may change places without a difference, or whose calls only tell people.
_COMMUTATIVE = {"min", "max", "zip", "isinstance", "partial"}
_LOGGED = {"log", "logger", "warnings"}
#: Code for types, for people, or for what cannot happen.
_IDLE = {
    "annassign", "assert_stmt", "decorator", "fstring", "parameters", "raise_stmt", "tfpdef",
}  # fmt: skip


class SwapArguments(Operator):  # type: ignore[misc]
    """Swap two positional arguments that stand next to each other."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        for one, other in self._pairs(node):
            yield one.start_pos, other.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        one, other = self._pairs(node)[index]
        i, j = node.children.index(one), node.children.index(other)
        node.children[i], node.children[j] = other, one
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()

    @staticmethod
    def _pairs(node: Any) -> list[tuple[Any, Any]]:
        if node.type != "arglist" or _callee(node) in _COMMUTATIVE:
            return []
        given = [a for a in node.children[::2] if a.type != "argument"]
        return [(a, b) for a, b in pairwise(given) if a.get_code().strip() != b.get_code().strip()]


class SwapFunction(Operator):  # type: ignore[misc]
    """Take the largest for the smallest, and all for any."""

    SWAPS: ClassVar = {"min": "max", "max": "min", "any": "all", "all": "any"}

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if node.type == "name" and node.value in self.SWAPS and _is_called(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = self.SWAPS[node.value]
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()


class SwapScope(Operator):  # type: ignore[misc]
    """Ask for another scope than the call needs."""

    SWAPS: ClassVar = {"Reader": "Trader", "Trader": "Reader", "Admin": "Trader"}

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if node.type == "name" and node.value in self.SWAPS and node.parent.type == "tfpdef":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = self.SWAPS[node.value]
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()


class DropStatement(Operator):  # type: ignore[misc]
    """Drop a call that stands alone, or an assignment to an attribute or an element."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if node.type == "simple_stmt" and (_is_call(node.children[0]) or _is_set(node.children[0])):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return _with_first(node, "pass")

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()


class DropGuard(Operator):  # type: ignore[misc]
    """Never leave a function or a loop early."""

    LEAVES: ClassVar = {"return_stmt", "raise_stmt", "continue", "break", "return"}

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if node.type == "if_stmt" and len(node.children) == 4 and self._leaves(node.children[3]):
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1] = _code(" False")
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()

    def _leaves(self, suite: Any) -> bool:
        last = suite.children[-1] if suite.type == "suite" else suite
        first = last.children[0] if last.type == "simple_stmt" else last
        name = first.value if first.type == "keyword" else first.type
        return name in self.LEAVES


class ReturnEarly(Operator):  # type: ignore[misc]
    """Return from a function at its first statement, where it returns nothing."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if self._first(node) is not None:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        _with_first(self._first(node), "return")
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return ()

    @staticmethod
    def _first(node: Any) -> Any:
        if node.type != "funcdef" or node.annotation is None:
            return None
        if node.annotation.get_code().strip() != "None" or node.children[-1].type != "suite":
            return None
        statements = [s for s in node.children[-1].children if s.type != "newline"]
        if statements[0].get_code().strip().startswith(('"""', 'r"""')):
            statements = statements[1:]
        if len(statements) < 2 or statements[0].type != "simple_stmt":
            return None
        return statements[0]


_OWN: dict[str, tuple[Operator, ...]] = {
    "swapped": (SwapArguments(), SwapFunction()),
    "scope": (SwapScope(),),
    "dropped": (DropStatement(),),
    "early return": (DropGuard(), ReturnEarly()),
}


def python_mutants(path: str, source: str) -> list[Mutant]:
    """Return every change of these kinds to a Python file."""
    places, nodes = places_of(source), list(ast_nodes(get_ast(source)))
    lines = source.splitlines()
    found: list[Mutant] = []
    for kind, operator in _operators():
        for count, (node, (line, _)) in enumerate(_spots(operator, nodes)):
            place = place_at(places, line)
            if place is None or _is_spared(node, operator, kind):
                continue

            def change(text: str, operator: Operator = operator, count: int = count) -> str | None:
                changed: str | None = mutate_code(text, operator, count)
                return None if changed == text else changed

            name = f"{kind}: {type(operator).__name__}"
            before = lines[line - 1].strip()
            found.append(Mutant(path, name, place.name, line, before, 0, change))
    return found


def _operators() -> Iterator[tuple[str, Operator]]:
    for kind, names in _BORROWED.items():
        for name in names:
            yield kind, _PROVIDER[name]()
    for kind, operators in _OWN.items():
        for operator in operators:
            yield kind, operator


def _spots(operator: Operator, nodes: Sequence[Any]) -> Iterator[tuple[Any, tuple[int, int]]]:
    """Yield node and start of each change, in the order in which Cosmic Ray counts them."""
    for node in nodes:
        for start, _ in operator.mutation_positions(node):
            yield node, start


def _is_spared(node: Any, operator: Operator, kind: str) -> bool:
    """Say whether a change there would mean nothing, or nothing that a user could see."""
    if kind == "scope":
        return False
    if type(operator).__name__ == "NumberReplacer" and not _is_in_arithmetic(node):
        return True
    return any(_is_idle(one) for one in _with_parents(node))


def _with_parents(node: Any) -> Iterator[Any]:
    while node is not None:
        yield node
        node = node.parent


def _is_idle(node: Any) -> bool:
    """Say whether code is there for people or for types only."""
    if node.type in _IDLE or node.get_code().strip().startswith("strict="):
        return True
    if node.type == "simple_stmt":
        return _head(node.children[0]) in _LOGGED
    if node.type == "if_stmt":
        return bool(node.children[1].get_code().strip() == "TYPE_CHECKING")
    return bool(node.type == "classdef" and "(Protocol" in node.get_code().partition(":")[0])


def _is_in_arithmetic(number: Any) -> bool:
    """Say whether a small number shifts a bound, rather than tune or convert something."""
    if number.value not in {"0", "1", "2"}:
        return False
    holders = {"comparison", "arith_expr", "term", "subscript"}
    return number.parent.type in holders and any(
        one.type == "funcdef" for one in _with_parents(number)
    )


def _callee(arglist: Any) -> str:
    trailer = arglist.parent
    siblings = trailer.parent.children
    before = siblings[siblings.index(trailer) - 1]
    return str(before.get_code().strip().rpartition(".")[2])


def _is_called(name: Any) -> bool:
    following = name.get_next_leaf()
    return following is not None and following.value == "("


def _is_call(node: Any) -> bool:
    is_primary: bool = node.type in {"atom_expr", "power"}
    return is_primary and str(node.children[-1].get_code()).startswith("(")


def _is_set(node: Any) -> bool:
    return bool(node.type == "expr_stmt" and node.children[0].type in {"atom_expr", "power"})


def _head(node: Any) -> str:
    return str(node.get_first_leaf().value)


def _with_first(statement: Any, text: str) -> Any:
    prefix = statement.get_first_leaf().prefix
    statement.children[0] = _code(prefix + text)
    return statement


def _code(text: str) -> Any:
    return parso.parse(text)  # type: ignore[no-untyped-call]
