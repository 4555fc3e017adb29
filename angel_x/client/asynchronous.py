"""The client for programs that run on an event loop: the calls of :class:`Client`, awaited.

Each call runs on a thread of the client, with the same pool, attempts and errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from types import TracebackType
from typing import Concatenate, Generic, ParamSpec, Self, TypeVar, cast, overload

from angel_x.client.blocking import Client
from angel_x.client.connection import OrderFields
from angel_x.domain.records.margin_record import Balance, MarginEstimate

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")
_END = object()


class _Awaited(Generic[_Given, _Found]):
    """A call of the client as a method whose result is awaited."""

    def __init__(self, call: Callable[Concatenate[Client, _Given], _Found]) -> None:
        self._call = call
        self.__doc__ = call.__doc__

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...

    @overload
    def __get__(
        self, instance: AsyncClient, owner: object
    ) -> Callable[_Given, Awaitable[_Found]]: ...

    def __get__(
        self, instance: AsyncClient | None, owner: object
    ) -> Self | Callable[_Given, Awaitable[_Found]]:
        return self if instance is None else partial(instance.awaited, self._call)


class _Iterated(Generic[_Given, _Found]):
    """A call of the client as a method over whose records ``async for`` goes."""

    def __init__(self, call: Callable[Concatenate[Client, _Given], Iterator[_Found]]) -> None:
        self._call = call
        self.__doc__ = call.__doc__

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...

    @overload
    def __get__(
        self, instance: AsyncClient, owner: object
    ) -> Callable[_Given, AsyncIterator[_Found]]: ...

    def __get__(
        self, instance: AsyncClient | None, owner: object
    ) -> Self | Callable[_Given, AsyncIterator[_Found]]:
        return self if instance is None else partial(instance.iterated, self._call)


class AsyncClient:
    """One account's view of a running system, for one event loop.

    As many calls run at a time as there are connections.  A call that is canceled may still have its
    effect, as one that got no answer; an iteration that is left ends its connection.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout_seconds: float = 30.0,
        retries: int = 3,
        connections: int = 10,
    ) -> None:
        self._make = partial(Client, url, api_key, timeout_seconds=timeout_seconds, retries=retries)
        self._ended = Event()
        self._client = self._make(connections=connections, pause=self._ended.wait)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="angel-x-client")
        #: Ends of the iterations under way.
        self._iterations: set[Callable[[], None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections: iterations end, and calls that wait for a thread are canceled."""
        self._ended.set()
        for end in tuple(self._iterations):
            end()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def awaited(
        self,
        call: Callable[Concatenate[Client, _Given], _Found],
        *arguments: _Given.args,
        **options: _Given.kwargs,
    ) -> _Found:
        """Make a call of the blocking client on a thread."""
        work = partial(call, self._client, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def iterated(
        self,
        call: Callable[Concatenate[Client, _Given], Iterator[_Found]],
        *arguments: _Given.args,
        **options: _Given.kwargs,
    ) -> AsyncIterator[_Found]:
        """Yield the records of a call, on a thread and a connection of their own."""
        ended, loop = Event(), asyncio.get_running_loop()
        client = self._make(connections=1, pause=ended.wait)
        records = call(client, *arguments, **options)

        def end() -> None:
            ended.set()
            client.close()

        self._iterations.add(end)
        with _Thread(1, thread_name_prefix="angel-x-client") as thread:
            try:
                while (
                    record := await loop.run_in_executor(thread, next, records, _END)
                ) is not _END:
                    yield cast("_Found", record)
            finally:
                self._iterations.remove(end)
                end()

    submit = _Awaited(Client.submit)
    order = _Awaited(Client.order)
    submission = _Awaited(Client.submission)
    orders = _Iterated(Client.orders)
    order_page = _Awaited(Client.order_page)
    modify = _Awaited(Client.modify)
    cancel = _Awaited(Client.cancel)
    basket = _Awaited(Client.basket)
    read_basket = _Awaited(Client.read_basket)
    cancel_all = _Awaited(Client.cancel_all)
    square_off = _Awaited(Client.square_off)
    square_off_standing = _Awaited(Client.square_off_standing)
    kill_switch = _Awaited(Client.kill_switch)
    controls = _Awaited(Client.controls)
    holder = _Awaited(Client.holder)
    positions = _Awaited(Client.positions)
    trades = _Awaited(Client.trades)
    contract_note = _Awaited(Client.contract_note)
    shadow = _Awaited(Client.shadow)
    fills = _Iterated(Client.fills)
    pnl = _Awaited(Client.pnl)
    equity = _Awaited(Client.equity)
    past_portfolio = _Awaited(Client.past_portfolio)
    portfolio = _Awaited(Client.portfolio)
    limits = _Awaited(Client.limits)
    set_limits = _Awaited(Client.set_limits)
    clear_limits = _Awaited(Client.clear_limits)
    market = _Awaited(Client.market)
    greeks = _Awaited(Client.greeks)
    option_chain = _Awaited(Client.option_chain)
    chain_summary = _Awaited(Client.chain_summary)
    underlying_minutes = _Awaited(Client.underlying_minutes)
    contract_minutes = _Awaited(Client.contract_minutes)
    scenarios = _Awaited(Client.scenarios)
    strategies = _Awaited(Client.strategies)
    tags = _Awaited(Client.tags)
    plan_strategy = _Awaited(Client.plan_strategy)
    stream = _Iterated(Client.stream)
    quotes = _Iterated(Client.quotes)
    machine = _Awaited(Client.machine)
    audit = _Iterated(Client.audit)
    audit_page = _Awaited(Client.audit_page)
    parked_orders = _Awaited(Client.parked_orders)
    replay = _Awaited(Client.replay)
    alert_targets = _Awaited(Client.alert_targets)
    set_alert_target = _Awaited(Client.set_alert_target)
    remove_alert_target = _Awaited(Client.remove_alert_target)
    test_alerts = _Awaited(Client.test_alerts)
    alert_notices = _Awaited(Client.alert_notices)
    retry_alerts = _Awaited(Client.retry_alerts)

    # A method of several signatures is written out, or only one of them would be known.
    @overload
    async def margin(self) -> Balance: ...

    @overload
    async def margin(self, orders: OrderFields | Iterable[OrderFields]) -> MarginEstimate: ...

    async def margin(
        self, orders: OrderFields | Iterable[OrderFields] | None = None
    ) -> Balance | MarginEstimate:
        """Return the balance, or the estimate of its change by orders."""
        if orders is None:
            return await self.awaited(lambda client: client.margin())
        return await self.awaited(lambda client: client.margin(orders))


class _Thread(ThreadPoolExecutor):
    """One thread, which is left behind to end by itself: the loop must not wait for its answer."""

    def __exit__(self, *_: object) -> None:
        self.shutdown(wait=False, cancel_futures=True)
