from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from time import monotonic

import msgspec
import pytest

from angel_x.domain.records.access import Scope
from angel_x.domain.records.live_event import StreamEvent
from angel_x.entrypoints.api_access import api_address
from angel_x.entrypoints.desk.account import WatchedAccount
from angel_x.entrypoints.desk.accounts import WatchedAccounts
from angel_x.errors import Unauthorized, Unavailable
from config.loading import defaults
from tests.fakes.desk_api import DeskApi, make_balance, make_position

KEY = "key"
DEADLINE = 60.0


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: It does not within the deadline.
    """
    end, pause = monotonic() + DEADLINE, Event()
    while not condition():
        assert monotonic() < end
        pause.wait(0.005)


@pytest.fixture
def api() -> DeskApi:
    api = DeskApi(positions=[make_position()])
    api.add_key(KEY, "demo", Scope.TRADE)
    return api


@pytest.fixture
def accounts(api: DeskApi) -> WatchedAccounts:
    return WatchedAccounts(api.connect)


@pytest.fixture
def account(accounts: WatchedAccounts) -> Iterator[WatchedAccount]:
    account = accounts.of_key(KEY)
    account.enter()
    yield account
    account.leave()


def test_everything_is_read_while_somebody_is_logged_in(
    account: WatchedAccount, api: DeskApi
) -> None:
    until(lambda: account.snapshot.controls.value is not None)

    snapshot = account.snapshot
    assert snapshot.positions.value == api.positions
    assert snapshot.balance.value == api.balance
    assert snapshot.portfolio.value == api.portfolio
    assert snapshot.market.value == api.market


def test_an_outage_keeps_the_last_values_which_age(account: WatchedAccount, api: DeskApi) -> None:
    until(lambda: account.snapshot.market.value is not None)
    api.outage = Unavailable("the API did not answer")
    account.hasten()
    until(lambda: account.snapshot.market.failure is not None)

    lost = account.snapshot.market

    assert lost.value == api.market
    assert lost.failure == "the API did not answer"
    until(lambda: (account.snapshot.market.age(account.clock()) or 0) > 0.05)
    api.outage = None
    account.hasten()
    until(lambda: account.snapshot.market.failure is None)
    assert not account.is_refused


def test_an_event_of_an_order_hastens_the_readings(account: WatchedAccount, api: DeskApi) -> None:
    until(lambda: account.snapshot.balance.value is not None)
    api.balance = make_balance(cash=api.balance.cash + 1)

    api.events.put(StreamEvent("1-0", "order", {"order_id": "1"}))

    until(lambda: account.order_moves == 1)
    until(lambda: account.snapshot.balance.value == api.balance)
    assert [event.kind for _, event in account.events] == ["order"]


def test_a_key_that_is_revoked_is_noticed(account: WatchedAccount, api: DeskApi) -> None:
    del api.holders[KEY]
    account.hasten()

    until(lambda: account.is_refused)


def test_one_key_is_read_for_all_of_its_browsers(
    accounts: WatchedAccounts, account: WatchedAccount
) -> None:
    assert accounts.of_key(KEY) is account


def test_an_account_that_was_left_is_forgotten(
    accounts: WatchedAccounts, account: WatchedAccount
) -> None:
    account.leave()
    account.leave()

    other = accounts.of_key(KEY)

    assert other is not account
    account.enter()


def test_the_desk_asks_the_api_at_api_url() -> None:
    settings = defaults("production")
    elsewhere = msgspec.structs.replace(settings, api_url="http://api:8000")

    assert api_address(settings) == "http://127.0.0.1:8000"
    assert api_address(elsewhere) == "http://api:8000"


def test_a_key_that_the_api_refuses_opens_nothing(accounts: WatchedAccounts) -> None:
    with pytest.raises(Unauthorized):
        accounts.of_key("wrong")


def test_a_look_of_a_page_goes_on_with_the_reading(api: DeskApi, accounts: WatchedAccounts) -> None:
    now = 0.0
    account = WatchedAccount(api.connect(KEY), api.holders[KEY], lambda: now)
    account.enter()
    until(lambda: account.snapshot.controls.value is not None)
    now = 100.0
    account.hasten()
    api.calls.clear()

    account.look()

    until(lambda: "market" in api.calls)
    account.leave()
