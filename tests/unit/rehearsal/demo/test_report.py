from __future__ import annotations

from angel_x.rehearsal.demo.refusals import Refusal
from angel_x.rehearsal.demo.report import Trading, conduct_rules, promise_rules
from angel_x.rehearsal.demo.scenarios import ScenarioResult
from angel_x.rehearsal.demo.worker_kill import WorkerKill

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


def test_each_kind_of_broken_promise_breaks_its_rule() -> None:
    rules = promise_rules(lost=["a"], doubled=[], unknown=["b", "c"])

    assert [rule.holds for rule in rules] == [False, True, False]
    assert rules[2].broken == 2


def test_conduct_holds_where_all_went_as_it_must() -> None:
    right = Refusal("no key", 401, 401, "")

    rules = conduct_rules([right], KILL, TRADING, [SCENARIO])
    assert [rule.holds for rule in rules] == [True] * 5


def test_a_bad_request_that_is_accepted_breaks_a_rule() -> None:
    wrong = Refusal("no key", 401, 202, "")

    (broken,) = [
        rule for rule in conduct_rules([wrong], KILL, TRADING, [SCENARIO]) if not rule.holds
    ]

    assert broken.example == "no key: 202"


def test_a_worker_without_successor_breaks_a_rule() -> None:
    alone = WorkerKill(worker=10, children=(), busy=None, is_dead=True, successor=None)

    broken = [rule.name for rule in conduct_rules([], alone, TRADING, [SCENARIO]) if not rule.holds]

    assert broken == ["the worker came back"]


def test_a_feat_that_does_not_succeed_breaks_a_rule() -> None:
    fall = ScenarioResult("square-off", "2 positions left", holds=False)

    (broken,) = [r for r in conduct_rules([], KILL, TRADING, [SCENARIO, fall]) if not r.holds]

    assert (broken.name, broken.example) == ("feats succeed", "square-off: 2 positions left")


def test_the_rate_is_that_of_the_whole_span() -> None:
    assert TRADING.orders_per_second == 5.0
