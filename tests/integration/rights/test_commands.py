"""Every command that reads or changes something, about one's own, others' and nobody's objects."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import Result

from angel_x.entrypoints.cli.root import cli
from tests.builders.shells import Shell
from tests.integration.rights.commands import COMMANDS, OTHERS, Command, Reach
from tests.integration.rights.world import HOLDER, NOBODY, STRANGER, World

OF_ACCOUNTS = [c for c in COMMANDS if c.reach is Reach.ACCOUNT]


@pytest.fixture(scope="module")
def shell(shared_environ: dict[str, str]) -> Shell:
    return Shell(shared_environ)


def owners(command: Command) -> tuple[str, ...]:
    return (HOLDER, STRANGER, NOBODY) if command.kind else (HOLDER,)


def leaves(command: click.Command, *names: str) -> Iterator[str]:
    """Yield every command below one, and those groups that do something by themselves."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, *names, name)
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield " ".join(names)


def run(shell: Shell, world: World, command: Command, ref: str, *arguments: str) -> Result:
    given = {"REF": ref, "SYMBOL": world.symbol(HOLDER), "NAME": world.name("new")}
    line = [given.get(word, word) for word in command.line.split()]
    text = command.text(world) if command.text else None
    return shell.run(*line, *arguments, "--json", text=text)


def named(world: World, command: Command, owner: str) -> str:
    if command.prepare is not None:
        command.prepare(world)
    return world.ref(command.kind, owner, is_new=command.stores) if command.kind else ""


def test_the_table_has_every_command_and_no_other() -> None:
    assert set(leaves(cli)) == {command.name for command in COMMANDS} | OTHERS


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: f"{c.line} of {c.reach}")
def test_a_command_reaches_whom_it_names_and_no_one_else(
    shell: Shell, world: World, command: Command
) -> None:
    user = ("--user", HOLDER) if command.reach is Reach.ACCOUNT else ()
    is_operators = command.reach is Reach.EVERYONE
    codes = {HOLDER: command.own, STRANGER: command.strangers, NOBODY: command.nobodys}
    answers = {}
    for owner in owners(command):
        ref = named(world, command, owner)
        before = world.print()
        result = run(shell, world, command, ref, *user)
        after = world.print()

        assert result.exit_code == codes[owner], (owner, result.output)
        does_store = command.stores and codes[owner] == codes[HOLDER]
        assert (after.rows != before.rows) is does_store, owner
        reaches = is_operators and owner == STRANGER and does_store
        assert (after.strangers != before.strangers) is reaches, owner
        answers[owner] = result.output.replace(ref, "REF") if ref else result.output
        if command.reach is Reach.ACCOUNT:
            assert not world.leaks(answers[owner]), owner

    assert command.shows.replace("SYMBOL", world.symbol(HOLDER)) in answers[HOLDER]
    if command.kind and not is_operators:
        assert answers[STRANGER] == answers[NOBODY]


@pytest.mark.parametrize("command", OF_ACCOUNTS, ids=lambda c: c.line)
def test_a_command_for_an_account_that_nobody_has_does_nothing(
    shell: Shell, world: World, command: Command
) -> None:
    ref = named(world, command, HOLDER)
    before = world.print()

    result = run(shell, world, command, ref, "--user", NOBODY)

    assert result.exit_code == 1
    assert NOBODY in result.output
    assert HOLDER not in result.output.replace("--reason holder", "")
    assert world.print() == before


@pytest.mark.parametrize(
    "command", [c for c in OF_ACCOUNTS if c.name != "limits list"], ids=lambda c: c.line
)
def test_a_command_that_names_no_account_changes_none_and_reads_none_but_demo(
    shell: Shell, world: World, command: Command
) -> None:
    ref = named(world, command, HOLDER)
    before = world.print()

    result = run(shell, world, command, ref)

    # There is no account of the name demo here.
    is_named = command.stores or command.name.startswith("keys")
    assert result.exit_code == (2 if is_named else 1)
    assert ("--user" if is_named else "demo") in result.output
    assert world.print() == before


def test_a_command_that_knows_no_database_knows_nothing(
    world: World, shared_environ: dict[str, str]
) -> None:
    places = ("ANGEL_X_DATABASE_URL", "ANGEL_X_BROKER_URL", "ANGEL_X_CACHE_URL")
    stranger = Shell({k: v for k, v in shared_environ.items() if k not in places})
    before = world.print()

    for command in COMMANDS:
        user = ("--user", HOLDER) if command.reach is Reach.ACCOUNT else ()
        result = run(stranger, world, command, world.name(), *user)
        assert result.exit_code != 0, command.line
        assert not world.leaks(result.output)

    assert world.print() == before
