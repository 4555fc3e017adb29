from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from angel_x.domain.chains.chain_record import OptionChain
from angel_x.domain.portfolios.portfolio import Portfolio, ScenarioGrid
from angel_x.rehearsal.demo.cli import EXIT_CODES
from angel_x.rehearsal.demo.refusals import DemoRefusal
from angel_x.rehearsal.demo.rendering import render
from angel_x.rehearsal.demo.report import (
    AccountReport,
    DemoOutcome,
    DemoReport,
    Trading,
    conduct_rules,
    promise_rules,
)
from angel_x.rehearsal.demo.scenarios import ScenarioResult
from angel_x.rehearsal.demo.worker_kill import WorkerKill
from angel_x.rehearsal.proofs import rule

TRADING = Trading(
    accepted=10,
    replayed=0,
    by_status={"filled": 10},
    denials={},
    cancels={},
    seconds=2.0,
    latency=(),
    undecided=0,
)
KILL = WorkerKill(worker=10, children=(11,), busy=11, is_dead=True, successor=12)

SCENARIO = ScenarioResult("stop", "it waited", holds=True)
NONE = Decimal(0)
PORTFOLIO = Portfolio(
    user_id=1,
    cash=NONE,
    collateral=NONE,
    margin_used=NONE,
    free_balance=NONE,
    realised_pnl=NONE,
    unrealised_pnl=NONE,
    equity=NONE,
    greeks={},
    scenarios=ScenarioGrid((), (), ()),
    open_positions=0,
    stale_positions=0,
    unpriced_positions=0,
    updated_at=datetime(2026, 11, 30, tzinfo=UTC),
)
CHAIN = OptionChain(
    underlying="NIFTY",
    spot=None,
    spot_age_seconds=None,
    forward=None,
    forward_source=None,
    atm_vol=None,
    expiry=date(2026, 12, 1),
    lot_size=65,
    expiries=(),
    age_seconds=None,
    rows=(),
)
REPORT = DemoReport(
    seed=1,
    phases={"orders decided": 1.0},
    trading=TRADING,
    refusals=(),
    worker_kill=KILL,
    scenarios=(SCENARIO,),
    accounts=(AccountReport(name="demo", portfolio=PORTFOLIO, positions=()),),
    chain=CHAIN,
    memory={},
    invariants=(),
    unfinished=(),
    where_to_look=(),
)


def shown(report: DemoReport, *, runs: bool) -> str:
    """Return the report as it is printed for people."""
    console = Console(file=io.StringIO(), width=200, record=True)
    render(report, console, runs=runs)
    return console.export_text()


def test_each_kind_of_broken_promise_breaks_its_rule() -> None:
    rules = promise_rules(lost=["a"], doubled=[], unknown=["b", "c"])

    assert [rule.holds for rule in rules] == [False, True, False]
    assert rules[2].broken == 2


def test_conduct_holds_where_all_went_as_it_must() -> None:
    right = DemoRefusal("no key", 401, 401, "")

    rules = conduct_rules([right], KILL, TRADING, [SCENARIO])
    assert [rule.holds for rule in rules] == [True] * 5


def test_a_bad_request_that_is_accepted_breaks_a_rule() -> None:
    wrong = DemoRefusal("no key", 401, 202, "")

    (broken,) = [
        rule for rule in conduct_rules([wrong], KILL, TRADING, [SCENARIO]) if not rule.holds
    ]

    assert broken.example == "no key: 202"


def test_what_is_not_finished_is_neither_held_nor_broken() -> None:
    alone = replace(KILL, is_dead=False, successor=None)
    waiting = replace(TRADING, undecided=3)
    late = replace(SCENARIO, holds=False, is_finished=False)
    unanswered = [DemoRefusal("no key", 401, status, "") for status in (0, 429, 503)]

    rules = conduct_rules(unanswered, alone, waiting, [late])

    assert [rule.name for rule in rules] == ["bad input is refused", "feats succeed"]
    assert all(rule.holds for rule in rules)


@pytest.mark.parametrize(
    ("unfinished", "example", "outcome", "words", "code"),
    [
        ([], None, DemoOutcome.HOLDS, "Everything holds", 0),
        (["orders"], None, DemoOutcome.UNFINISHED, "NOT FINISHED in time: orders. ", 3),
        ([], "a", DemoOutcome.BROKEN, "1 of 1 rules are BROKEN", 1),
        (["orders"], "a", DemoOutcome.BROKEN, "1 of 1 rules are BROKEN", 1),
    ],
)
def test_late_and_broken_have_words_and_exit_codes_of_their_own(
    unfinished: list[str], example: str | None, outcome: DemoOutcome, words: str, code: int
) -> None:
    rules = [rule("nothing lost", "it is stored", [example] if example else [])]
    report = replace(REPORT, invariants=rules, unfinished=unfinished)

    printed = shown(report, runs=False)

    assert report.outcome is outcome
    assert words in printed
    assert ("BROKEN" in printed) is (outcome is DemoOutcome.BROKEN)
    assert report.as_document(runs=False)["outcome"] == outcome.value
    assert EXIT_CODES[outcome] == code


@pytest.mark.parametrize("runs", [True, False])
def test_addresses_are_those_of_a_system_that_runs(*, runs: bool) -> None:
    report = replace(REPORT, where_to_look=[("API", "http://127.0.0.1:8123")])

    assert ("http://127.0.0.1:8123" in shown(report, runs=runs)) is runs
    assert bool(report.as_document(runs=runs)["where_to_look"]) is runs


def test_a_feat_that_does_not_succeed_breaks_a_rule() -> None:
    fall = ScenarioResult("square-off", "2 positions left", holds=False)

    (broken,) = [r for r in conduct_rules([], KILL, TRADING, [SCENARIO, fall]) if not r.holds]

    assert (broken.name, broken.example) == ("feats succeed", "square-off: 2 positions left")


def test_the_rate_is_that_of_the_whole_span() -> None:
    assert TRADING.orders_per_second == 5.0
