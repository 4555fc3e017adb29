"""The page of the performance guide: every row is there, and every command that it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from angel_x.entrypoints.cli.root import COMMANDS, cli
from tests.unit.docs.pages import ROOT, rows

PAGE = ROOT / "docs" / "guide.md"
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
TABLE = {row[0]: row for row in rows(PAGE) if re.fullmatch(r"G\d+", row[0])}


def commands(row: list[str]) -> list[str]:
    """Return the commands of the column *shown by*."""
    return re.findall(r"`([^`]+)`", row[3])


def faults(command: str) -> Iterator[str]:
    """Yield the parts of a command that do not exist."""
    program, *arguments = command.split()
    if program == "angel-x":
        yield from faults_of_angel_x(arguments)
    elif program == "make":
        yield from (name for name in arguments if name not in TARGETS)
    elif program == "pytest":
        yield from (name for name in arguments if not (ROOT / name).exists())
    elif (program, arguments[0]) == ("python", "-m"):
        module = ROOT / arguments[1].replace(".", "/")
        programs = (module.with_suffix(".py"), module / "__main__.py")
        yield from [] if any(each.is_file() for each in programs) else [arguments[1]]
    else:
        yield command


def faults_of_angel_x(arguments: list[str]) -> Iterator[str]:
    name, *rest = arguments
    if name not in COMMANDS:
        yield name
        return
    command = cli.get_command(click.Context(cli), name)
    words = iter(rest)
    for each in words:
        assert command is not None
        if each.startswith("-"):
            option = next((p for p in command.params if each in p.opts), None)
            if not isinstance(option, click.Option):
                yield each
            elif not option.is_flag:
                next(words)
        elif isinstance(command, click.Group):
            if each not in command.commands:
                yield each
                return
            command = command.commands[each]


def test_every_row_of_the_guide_has_one_row_of_the_page_in_order() -> None:
    assert list(TABLE) == [f"G{number}" for number in range(1, 27)]
    assert {len(row) for row in TABLE.values()} == {5}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_every_row_is_shown_by_commands_that_exist(row: list[str]) -> None:
    shown = commands(row)

    assert shown
    assert [fault for command in shown for fault in faults(command)] == []


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_a_row_is_whole_or_names_the_missing_part(row: list[str]) -> None:
    assert row[4] == "whole" or re.fullmatch(r"in part: \S.{10,}", row[4])


@pytest.mark.parametrize(
    "command",
    ["angel-x nothing", "angel-x db nothing", "angel-x doctor --nothing",
     "angel-x bench --nothing", "make nothing",
     "pytest tests/nothing.py", "python -m benchmarks.nothing", "nothing at all"],
)  # fmt: skip
def test_a_command_that_does_not_exist_is_a_fault(command: str) -> None:
    assert list(faults(command))
