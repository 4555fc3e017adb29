"""Every statement that runs while the system trades: the registry of ``angel-x db explain``.

A statement is a constant of its adapter: a prepared one, a clause of SQLAlchemy, or the text of a
complete statement.  Those that a restart, a report or an operator's command runs are left out.
"""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from angel_x.adapters import postgres
from angel_x.adapters.postgres.prepared import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Modules whose statements read all of a table by design, or an empty one, with the reason.
OFFLINE = {
    "account_history": "reads the whole history of an account",
    "contracts": "loads whole lists of contracts",
    "database_size": "reads the catalog of the server",
    "exports": "writes the whole history of an account",
    "evidence": "proves what a rehearsal has left",
    "generated_rows": "fills a scratch database",
    "grants": "runs after a migration",
    "indexes": "reads the catalog of the server",
    "index_builds": "runs in a migration",
    "invariants": "checks every row",
    "partitions": "reads the catalog of the server",
    "plans": "reads the catalog of the server",
    "proofs": "checks every row, in slices",
    "retention": "moves whole partitions to the archive",
    "reviews": "reads the few reviews of the audit",
    "schema_plan": "plans migrations",
    "server_state": "reads the settings of the server",
    "slow_queries": "reads the statistics of the server",
    "tally": "counts a finished demonstration",
}
#: Statements that load a whole list from a table of their own transaction, which no plan can see.
STAGED = frozenset({"broker_contracts_store"})
_DIALECT = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
_COMMANDS = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
#: A place of a template; quoted braces are an array.
_PLACE = re.compile(r"(?<!')\{\w+\}")
#: Constants that other statements are made from.
_FRAGMENTS = frozenset({"_HISTORY", "_LOCK_ACCOUNTS_OF", "_ORDER_COLUMNS"})


def hot_statements() -> list[Statement]:
    """Return each statement once, sorted by its label."""
    found = {statement.label: statement for module in modules() for statement in _of(module)}
    return [found[label] for label in sorted(found)]


def modules() -> list[str]:
    """Return the names of the modules whose statements are explained."""
    names = (module.name for module in iter_modules(postgres.__path__) if not module.ispkg)
    return [name for name in names if name not in OFFLINE]


def _of(module: str) -> Iterator[Statement]:
    constants = vars(import_module(f"{postgres.__name__}.{module}"))
    named = {
        f"{module}{n.lower()}": v
        for n, v in constants.items()
        if n.isupper() and n not in _FRAGMENTS
    }
    for label, value in (named | constants.get("PAGES", {})).items():
        if label in STAGED:
            continue
        if isinstance(value, Statement):
            yield value
        elif isinstance(value, TextClause):
            yield Statement(label, str(value.compile(dialect=_DIALECT)))
        elif _is_complete(value):
            yield Statement(label, str(value))


def _is_complete(value: object) -> bool:
    """Return whether a constant is the text of a statement, and no template."""
    return (
        isinstance(value, str)
        and value.lstrip().startswith(_COMMANDS)
        and _PLACE.search(value) is None
    )
