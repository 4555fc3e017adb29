from __future__ import annotations

from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.statement import OrderReceipt
from angel_x.rehearsal.demo.promises import Promises
from angel_x.rehearsal.demo.refusals import Refusal
from angel_x.rehearsal.demo.report import Trading, conduct_rules, promise_rules
from angel_x.rehearsal.demo.scenarios import Feat
from angel_x.rehearsal.demo.worker_kill import Strike

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
STRIKE = Strike(worker=10, children=(11,), busy=11, is_dead=True, successor=12)

FEAT = Feat("stop", "it waited", holds=True)


def receipt(client_order_id: str, order_id: str) -> OrderReceipt:
    return OrderReceipt(
        order_id=order_id, client_order_id=client_order_id, status=OrderStatus.RECEIVED
    )


def test_the_same_promise_twice_counts_once() -> None:
    promises = Promises()

    promises.keep("asha", [receipt("a", "1")])
    promises.keep("asha", [receipt("a", "1"), receipt("b", "2")])

    assert promises.count == 2
    assert promises.broken == []


def test_two_orders_under_one_id_are_a_broken_promise() -> None:
    promises = Promises()

    promises.keep("asha", [receipt("a", "1")])
    promises.keep("asha", [receipt("a", "2")])

    assert promises.broken == ["a"]


def test_two_accounts_may_use_the_same_id() -> None:
    promises = Promises()

    promises.keep("asha", [receipt("a", "1")])
    promises.keep("dev", [receipt("a", "2")])

    assert promises.count == 2
    assert promises.broken == []


def test_each_kind_of_broken_promise_breaks_its_rule() -> None:
    rules = promise_rules(lost=["a"], doubled=[], unknown=["b", "c"])

    assert [rule.holds for rule in rules] == [False, True, False]
    assert rules[2].broken == 2


def test_conduct_holds_where_all_went_as_it_must() -> None:
    right = Refusal("no key", 401, 401, "")

    rules = conduct_rules([right], STRIKE, TRADING, [FEAT])
    assert [rule.holds for rule in rules] == [True] * 5


def test_a_bad_request_that_is_accepted_breaks_a_rule() -> None:
    wrong = Refusal("no key", 401, 202, "")

    (broken,) = [rule for rule in conduct_rules([wrong], STRIKE, TRADING, [FEAT]) if not rule.holds]

    assert broken.example == "no key: 202"


def test_a_worker_without_successor_breaks_a_rule() -> None:
    alone = Strike(worker=10, children=(), busy=None, is_dead=True, successor=None)

    broken = [rule.name for rule in conduct_rules([], alone, TRADING, [FEAT]) if not rule.holds]

    assert broken == ["the worker came back"]


def test_a_feat_that_does_not_succeed_breaks_a_rule() -> None:
    fall = Feat("square-off", "2 positions left", holds=False)

    (broken,) = [r for r in conduct_rules([], STRIKE, TRADING, [FEAT, fall]) if not r.holds]

    assert (broken.name, broken.example) == ("feats succeed", "square-off: 2 positions left")


def test_the_rate_is_that_of_the_whole_span() -> None:
    assert TRADING.orders_per_second == 5.0
