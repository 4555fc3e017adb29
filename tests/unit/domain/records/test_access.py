"""What each scope allows, in whatever order a key lists its scopes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from angel_x.domain.records.access import Identity, KeyRecord, Scope, parse_scopes

READ, TRADE, ADMIN = Scope.READ, Scope.TRADE, Scope.ADMIN
NOW = datetime(2026, 8, 19, tzinfo=UTC)
RECORD = KeyRecord("a" * 12, 7, bytes(32), (READ, TRADE), NOW)


@pytest.mark.parametrize(
    ("scope", "included"),
    [(READ, {READ}), (TRADE, {READ, TRADE}), (ADMIN, {READ, ADMIN})],
)
def test_trade_and_admin_include_read_and_neither_includes_the_other(
    scope: Scope, included: set[Scope]
) -> None:
    assert {other for other in (READ, TRADE, ADMIN) if scope.includes(other)} == included


@pytest.mark.parametrize(
    ("own", "allowed"),
    [
        (set(), set()),
        ({READ}, {READ}),
        ({TRADE}, {READ, TRADE}),
        ({ADMIN}, {READ, ADMIN}),
        ({TRADE, ADMIN}, {READ, TRADE, ADMIN}),
        ({READ, TRADE}, {READ, TRADE}),
        ({READ, ADMIN}, {READ, ADMIN}),
    ],
)
def test_a_key_allows_what_any_of_its_scopes_allows(own: set[Scope], allowed: set[Scope]) -> None:
    identity = Identity(1, "p", frozenset(own))

    assert {scope for scope in (READ, TRADE, ADMIN) if identity.allows(scope)} == allowed


def test_the_identity_of_a_stored_key_is_its_account_and_its_scopes() -> None:
    assert RECORD.identity == Identity(7, "a" * 12, frozenset({READ, TRADE}))
    assert replace(RECORD, user_id=8).identity.user_id == 8


@pytest.mark.parametrize("names", [["own"], ["trade", "ADMIN"], [""], ["read,trade"]])
def test_a_name_that_is_no_scope_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="is not a valid Scope"):
        parse_scopes(names)


def test_scopes_are_kept_once_each_from_the_least_to_the_widest() -> None:
    assert parse_scopes(["admin", "read", "admin"]) == (READ, ADMIN)
    assert parse_scopes([]) == ()
