"""Changes that are planted in Python."""

from __future__ import annotations

import pytest

from tests.mutants.mutant import difference
from tests.mutants.python_kinds import python_mutants

SOURCE = '''
def decide(order, book, now):
    """Decide."""
    if order.until <= now:
        return
    book.hold(order, order.quantity - 1)
    log.info("order.held", order_id=order.id)
    book.held += order.quantity
    for leg in order.legs:
        book.move(leg)


def tell(book) -> None:
    """Tell."""
    send(book)
    clear(book)
    assert book.told


def book_of(request: Request, caller: Reader) -> Book: ...
'''


def changes(source: str) -> set[tuple[str, str, str]]:
    """Return kind, and the lines before and after, of every change."""
    found = set()
    for mutant in python_mutants("a.py", source):
        changed = mutant.change(source)
        assert changed is not None
        compile(changed, "a.py", "exec")
        found.add((mutant.kind.partition(":")[0], *difference(source, changed)))
    return found


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("boundary", "if order.until <= now:", "if order.until < now:"),
        (
            "boundary",
            "book.hold(order, order.quantity - 1)",
            "book.hold(order, order.quantity - 2)",
        ),
        ("comparison", "if order.until <= now:", "if order.until >= now:"),
        ("condition", "if order.until <= now:", "if not order.until <= now:"),
        ("sign", "book.hold(order, order.quantity - 1)", "book.hold(order, order.quantity + 1)"),
        ("swapped", "book.hold(order, order.quantity - 1)", "book.hold( order.quantity - 1,order)"),
        ("dropped", "book.hold(order, order.quantity - 1)", "pass"),
        ("dropped", "book.held += order.quantity", "pass"),
        ("early return", "if order.until <= now:", "if False:"),
        ("early return", "send(book)", "return"),
        ("loop", "for leg in order.legs:", "for leg in []:"),
        (
            "scope",
            "def book_of(request: Request, caller: Reader) -> Book: ...",
            "def book_of(request: Request, caller: Trader) -> Book: ...",
        ),
    ],
)
def test_every_kind_is_planted(kind: str, before: str, after: str) -> None:
    # The operators keep no single spaces.
    assert (kind, before, after) in {(k, b, a.replace("  ", " ")) for k, b, a in changes(SOURCE)}


def test_nothing_is_planted_where_only_people_or_types_look() -> None:
    lines = {before for _, before, _ in changes(SOURCE)}

    assert not any("log.info" in line or "assert" in line or '"""' in line for line in lines)


def test_a_change_keeps_its_name_while_lines_around_it_move() -> None:
    moved = f"import json\n\n{SOURCE}"

    names = {m.name for m in python_mutants("a.py", SOURCE)}

    assert names == {m.name for m in python_mutants("a.py", moved)}
    assert len(names) > 10
