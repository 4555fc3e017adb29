"""The invariants are proved in slices: what has changed often, everything in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from angel_x.adapters.postgres.invariants import RULES, ProofSubject
from angel_x.adapters.postgres.proofs import PostgresProofs
from angel_x.domain.operations.proof import Proof, ProofKind
from angel_x.domain.orders.order import Side
from tests.builders.orders import Market

if TYPE_CHECKING:
    from angel_x.bootstrap import Application


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def run(market: Market, statement: str) -> None:
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        assert connection.exec_driver_sql(statement).rowcount != 0


def small(market: Market, size: int = 2) -> None:
    """Let the first slice have this size."""
    run(market, f"INSERT INTO proofs (kind, size) VALUES ('changes', {size}), ('full', {size})")


def due(market: Market, *kinds: ProofKind) -> None:
    """Let the last proofs have begun a week ago."""
    named = ", ".join(f"'{kind}'" for kind in kinds or ProofKind)
    # The rows since then are looked at anyway, so only the pause is over.
    run(
        market,
        f"UPDATE proofs SET proven_at = proven_at - interval '7 days' WHERE kind IN ({named})",
    )


def proofs(market: Market, budget_seconds: float = 60) -> PostgresProofs:
    base = market.application.base
    return PostgresProofs(
        base.engine,
        base.clock,
        changes_seconds=3_600,
        full_seconds=3_600,
        budget_seconds=budget_seconds,
    )


def state(market: Market) -> dict[ProofKind, Proof]:
    return {proof.kind: proof for proof in proofs(market).state()}


def trade(market: Market, user: int, count: int = 1) -> list[int]:
    accepted = market.accept(user, *(market.request(Side.BUY) for _ in range(count)))
    ids = [each.order_id for each in accepted]
    market.application.trading.execution.run(ids)
    return ids


def test_every_slice_is_proved_and_then_nothing_is_due(market: Market) -> None:
    for name in ("a", "b", "c"):
        trade(market, market.account(name), 3)
    small(market)

    slices = proofs(market).advance()

    assert slices >= 10
    found = state(market)
    assert {proof.broken for proof in found.values()} == {0}
    assert {proof.progress for proof in found.values()} == {None}
    assert all(proof.age_seconds < 600 for proof in found.values())
    assert proofs(market).advance() == 0


#: Each of another table, far from the first slice.
LIES = {
    "an order": "UPDATE orders SET traded_value = traded_value + 1 WHERE id = (SELECT max(id) FROM orders)",
    "an event of no order": "INSERT INTO order_events (order_id, status, actor) VALUES (9999, 'received', 'liar')",
    "an account": "UPDATE users SET cash = cash + 1 WHERE id = (SELECT max(id) FROM users)",
    "an exposure": "UPDATE exposures SET net_quantity = net_quantity + 1 "
    "WHERE user_id = (SELECT max(id) FROM users)",
    "a ledger entry": "DELETE FROM ledger_entries WHERE ctid = (SELECT max(ctid) FROM ledger_entries) "
    "AND tableoid = (SELECT max(tableoid) FROM ledger_entries)",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=list(LIES))
def test_a_broken_row_in_any_slice_is_found_and_named(market: Market, lie: str) -> None:
    for name in ("a", "b", "c"):
        trade(market, market.account(name), 2)
    small(market)
    run(market, lie)

    proofs(market).advance()

    found = state(market)
    assert min(proof.broken for proof in found.values()) > 0
    assert all(proof.example for proof in found.values())


def test_changes_are_what_may_have_moved_since_the_last_proof(market: Market) -> None:
    old, new = market.account("old"), market.account("new")
    closed = trade(market, old)
    (resting,) = market.accept(new, market.request(Side.BUY, limit="80.00"))
    market.application.trading.execution.run([resting.order_id])
    proofs(market).advance()
    run(market, f"UPDATE orders SET traded_value = traded_value + 1 WHERE id = {closed[0]}")

    due(market, ProofKind.CHANGES)
    run(market, "UPDATE ledger_entries SET at = at - interval '8 days'")
    proofs(market).advance()
    # A closed order that was changed by hand is not among the changes.
    assert state(market)[ProofKind.CHANGES].broken == 0

    run(market, f"UPDATE orders SET quantity = quantity + 65 WHERE id = {resting.order_id}")
    due(market, ProofKind.CHANGES)
    proofs(market).advance()
    assert state(market)[ProofKind.CHANGES].broken > 0

    due(market, ProofKind.FULL)
    proofs(market).advance()
    assert state(market)[ProofKind.FULL].broken > state(market)[ProofKind.CHANGES].broken


def test_a_slice_that_takes_too_long_is_cut(market: Market) -> None:
    trade(market, market.account(), 3)
    with market.application.base.engine.begin() as connection:
        # The first two statements that read orders meet the limit.
        connection.exec_driver_sql("""
            CREATE SEQUENCE reads;
            CREATE FUNCTION is_slow() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
                IF nextval('reads') <= 2 THEN RAISE query_canceled; END IF;
                RETURN true;
            END $$;
            ALTER TABLE orders RENAME TO all_orders;
            CREATE VIEW orders AS SELECT * FROM all_orders WHERE is_slow();
        """)

    with capture_logs() as logs:
        proofs(market).advance()

    assert [entry["kind"] for entry in logs if entry["event"] == "proof.cut"] == ["changes"] * 2
    assert {(proof.broken, proof.progress) for proof in state(market).values()} == {(0, None)}


def test_a_proof_that_was_interrupted_goes_on(market: Market) -> None:
    trade(market, market.account(), 5)
    small(market, 1)

    proofs(market, budget_seconds=0.001).advance()
    proofs(market).advance()

    assert {proof.progress for proof in state(market).values()} == {None}


def test_each_rule_is_proved_by_one_subject() -> None:
    assert {rule.subject for rule in RULES} == set(ProofSubject)
    assert all("{of}" in rule.query for rule in RULES)
