from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from angel_x.services.trading.match_requests import MatchRequests
from tests.builders.chains import make_universe
from tests.fakes.resting import MemoryResting

UNIVERSE = make_universe(strikes=(24_000, 24_050))
SYMBOLS = [UNIVERSE.symbol(row) for row in range(len(UNIVERSE))]


@dataclass
class Broker:
    """Counts the messages it is asked to take."""

    asked: int = 0
    takes: bool = True

    def match(self) -> bool:
        self.asked += 1
        return self.takes


@dataclass
class World:
    resting: MemoryResting = field(default_factory=MemoryResting)
    broker: Broker = field(default_factory=Broker)

    def ask(self, *moved: int) -> bool:
        requests = MatchRequests(resting=self.resting, match=self.broker.match)
        return requests.ask(UNIVERSE, np.array(moved, np.int64))


def test_a_move_of_a_contract_in_which_an_order_rests_is_worth_a_message() -> None:
    world = World()
    world.resting.note([SYMBOLS[1]])

    assert world.ask(0, 1) is True
    assert world.broker.asked == 1


@pytest.mark.parametrize("noted", [[], [SYMBOLS[2]], ["NIFTY_NOT_LISTED"]])
def test_without_such_a_contract_no_message_is_sent(noted: list[str]) -> None:
    world = World()
    world.resting.note(noted)

    assert world.ask(0, 1) is False
    assert world.broker.asked == 0


def test_where_nothing_moved_no_message_is_sent() -> None:
    world = World()
    world.resting.note(SYMBOLS)

    assert world.ask() is False


def test_where_orders_rest_in_too_many_contracts_to_name_every_move_is_worth_a_message() -> None:
    world = World(MemoryResting(is_many=True))

    assert world.ask(3) is True


def test_a_message_that_the_broker_does_not_take_is_told() -> None:
    world = World(broker=Broker(takes=False))
    world.resting.note([SYMBOLS[0]])

    assert world.ask(0) is False
    assert world.broker.asked == 1
