"""Every route of HTTP, with every kind of key, about objects of oneself, of others and of nobody."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from angel_x.entrypoints.api.application import create_app
from tests.integration.api.running import RunningApi
from tests.integration.rights.calls import (
    REFUSED_KEYS,
    SCOPES,
    Caller,
    expected,
    lets_in,
    reaches_everyone,
)
from tests.integration.rights.routes import ADMIN, OPEN, ROWS, Row
from tests.integration.rights.world import HOLDER, NOBODY, STRANGER, World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture
def caller(api: RunningApi, world: World) -> Caller:
    return Caller(api, world)


def owners(row: Row) -> tuple[str, ...]:
    return (HOLDER, STRANGER, NOBODY) if row.kind else (HOLDER,)


def test_the_table_has_every_route_and_no_other(api: RunningApi) -> None:
    found = set()
    for context in iter_route_contexts(create_app(api.application).routes):
        route = context.original_route
        assert isinstance(route, APIRoute | Mount), route
        methods = {"GET", "HEAD"} if isinstance(route, Mount) else context.methods or set()
        found |= {f"{method} {context.path}" for method in methods}

    assert found == {row.call for row in ROWS}


@pytest.mark.parametrize("path", sorted({row.path for row in ROWS}))
def test_a_method_that_is_not_in_the_table_does_nothing(caller: Caller, path: str) -> None:
    listed = {row.method: row for row in ROWS if row.path == path}
    file = listed["GET"].query if path == "/docs/assets" else ""
    before = caller.world.print()

    for method in set(METHODS) - listed.keys():
        for key in ("none", "admin"):
            answer = caller.send(method, re.sub(r"{.*?}", "1", path) + file, key)
            assert answer.status == 405, (method, key)

    assert caller.world.print() == before


@pytest.mark.parametrize("row", [r for r in ROWS if r.needs is not OPEN], ids=lambda row: row.id)
def test_who_may_not_learns_nothing_and_changes_nothing(caller: Caller, row: Row) -> None:
    before = caller.world.print()

    for key in (k for k in (*SCOPES, *REFUSED_KEYS) if not lets_in(row, k)):
        answers = [caller.call(row, key, caller.name(row, key, who)) for who in owners(row)]
        assert {a.status for a in answers} == {expected(row, key, HOLDER)}, key
        assert len({a.text for a in answers}) == 1, (key, answers)
        assert HOLDER not in answers[0].text

    assert caller.world.print() == before


@pytest.mark.parametrize(
    ("row", "key"),
    [pytest.param(r, k, id=f"{r.id} by {k}") for r in ROWS for k in SCOPES if lets_in(r, k)],
)
def test_who_may_reaches_what_is_theirs_and_nothing_else(
    caller: Caller, row: Row, key: str
) -> None:
    world = caller.world
    answers = {}
    for owner in owners(row):
        ref = caller.name(row, key, owner)
        before = world.print()
        answer = answers[owner] = caller.call(row, key, ref)
        after = world.print()

        assert answer.status == expected(row, key, owner), (owner, answer)
        does_store = row.stores and answer.status < 300
        assert (after.rows != before.rows) is does_store, owner
        if reaches_everyone(row, key):
            assert (after.strangers != before.strangers) is (does_store and owner == STRANGER)
        else:
            assert after.strangers == before.strangers, owner
            assert not world.leaks(answer.text, symbols=not row.lists_contracts), owner

    shown = row.shows.replace("SYMBOL", world.symbol(HOLDER))
    assert shown in answers[HOLDER].text
    if row.kind and not reaches_everyone(row, key):
        strangers, nobodys = answers[STRANGER], answers[NOBODY]
        assert strangers.shape == nobodys.shape
        assert row.stores or strangers.text == nobodys.text


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r.needs not in {OPEN, ADMIN}], ids=lambda row: row.id
)
def test_whose_call_it_is_is_said_by_the_key_alone(caller: Caller, row: Row) -> None:
    world = caller.world
    before = world.print()
    user_id = world.stranger_id
    extras = [f"?user_id={user_id}", f"?user={STRANGER}"]
    if row.content is not None:
        extras += [f'{{"user_id":{user_id}}}', f'{{"user":"{STRANGER}"}}']

    for extra in extras:
        answer = caller.call(row, "trade", caller.name(row, "trade"), extra=extra)
        is_query = extra.startswith("?")
        assert answer.status in ({403, 422} if is_query else {row.own, 400, 403, 422}), extra
        # A refusal repeats what the caller has sent.
        told = answer.text if answer.status == row.own and not is_query else ""
        assert not world.leaks(told, symbols=not row.lists_contracts), extra

    assert world.print().strangers == before.strangers


def test_an_answer_does_not_say_what_is_wrong_with_a_key(caller: Caller) -> None:
    row = next(row for row in ROWS if row.needs is ADMIN)

    answers = [
        caller.call(row, key, "")
        for key in ("malformed", "unknown", "secret of another", "revoked")
    ]

    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
