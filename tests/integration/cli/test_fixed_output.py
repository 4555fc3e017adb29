"""What scripts rely on: documents and exit codes of commands that must not change."""

from __future__ import annotations

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.records.access import Scope
from tests.builders.orders import Market
from tests.builders.shells import Shell


@pytest.fixture
def shell(environ: dict[str, str], application: Application) -> Shell:
    Market.open(application).account("demo")
    return Shell(environ)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [([], {Scope.TRADE}), (["read"], {Scope.READ}), (["admin", "read"], {Scope.ADMIN, Scope.READ})],
)
def test_a_new_key_is_printed_as_one_document(
    shell: Shell, application: Application, scopes: list[str], allowed: set[Scope]
) -> None:
    words = [word for scope in scopes for word in ("--scope", scope)]

    printed = shell.json("keys", "create", "--user", "demo", *words)

    assert list(printed) == ["key"]
    identity = application.people.access.authenticate(printed["key"])
    assert identity.scopes == allowed


def test_a_key_of_an_unknown_account_or_scope_is_refused(shell: Shell) -> None:
    for words in (["--user", "nobody"], ["--user", "demo", "--scope", "everything"], []):
        refused = shell.run("keys", "create", *words, "--json")
        assert refused.exit_code in (1, 2)
        assert refused.stdout == ""

    assert shell.json("keys", "list", "--user", "demo") == {"keys": []}


def test_a_chain_is_printed_with_its_lot_and_its_contracts(
    shell: Shell, application: Application
) -> None:
    universe = application.market.universes.current()
    first = universe.chains[0]

    printed = shell.json("chain", first.underlying)

    assert printed["underlying"] == first.underlying
    assert printed["lot_size"] == int(universe.lot_size[first.start])
    listed = [row["symbol"] for row in printed["rows"]]
    assert listed == [universe.symbol(row) for row in range(first.start, first.stop)]
