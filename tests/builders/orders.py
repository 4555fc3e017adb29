"""Small worlds for tests: contracts, quotes, orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import numpy as np

from angel_x.bootstrap import Application
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.contracts.contract import Contract, Right, format_future, format_symbol
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Side, Validity
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.values.money import paise
from angel_x.services.intake.acceptance import Accepted, Submission
from tests.builders.risk import model_columns

SPOT = Decimal(24_000)
_numbers = count(1)


def contracts(
    application: Application, strikes: Sequence[int] = (23_900, 24_000, 24_100)
) -> list[Contract]:
    """NIFTY contracts of one expiry that is a week or more ahead."""
    day = application.base.clock().date() + timedelta(days=8)
    expiry = application.base.calendar.trading_day_on_or_before(day)
    return [
        Contract(
            format_symbol("NIFTY", expiry, Decimal(strike), right),
            "NIFTY",
            expiry,
            Decimal(strike),
            right,
            65,
            Decimal("0.05"),
            1800,
            application.base.calendar.expires_at(expiry),
        )
        for strike in strikes
        for right in Right
    ]


@dataclass
class Market:
    """A listed chain with quotes, and accounts to trade it."""

    application: Application
    symbols: tuple[str, ...] = ()
    accounts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, application: Application) -> Market:
        listing = application.market.contracts
        listing.store.replace(Universe(contracts(application)))
        universe = (
            application.market.universes.version("") or application.market.universes.current()
        )
        listing.publish(universe.version)
        market = cls(application, tuple(universe.symbols))
        market.spot(SPOT)
        for symbol in market.symbols:
            market.quote(symbol, "100.00", "100.50")
        market.publish_risk()
        return market

    def publish_risk(self, spot: Decimal = SPOT, *, without: str = "") -> None:
        """Publish the risk array of each contract but one."""
        universe, now = self.application.market.universes.current(), self.application.base.clock()
        options = Universe(universe.contracts[: universe.option_count])
        columns = model_columns(options, at=now.timestamp(), spot=float(spot))
        if without:
            columns[:, universe.rows[without]] = np.nan
        self.application.market.risk_board.write(universe, 0, columns, epoch_ms(now))

    def account(self, name: str = "trader", cash: str = "10000000") -> int:
        self.accounts[name] = self.application.people.accounts.open(name, Decimal(cash)).id
        return self.accounts[name]

    def quote(
        self, symbol: str, bid: str, ask: str, age_seconds: float = 0, size: int = 650_000
    ) -> None:
        """Quote a contract; ``size`` units stand on either side."""
        universe = self.application.market.universes.current()
        rows = np.array([universe.rows[symbol]], np.int64)
        quotes = self._quotes(bid, ask, age_seconds, size)
        self.application.market.feed_ports.board.write(universe, rows, quotes)

    def spot(self, spot: Decimal, age_seconds: float = 0) -> None:
        """State the level of every index."""
        universe = self.application.market.universes.current()
        level = self._quotes(str(spot), str(spot), age_seconds)
        quotes = np.repeat(level, len(universe.underlyings))
        self.application.market.feed_ports.board.write_spots(universe, quotes)

    def _quotes(self, bid: str, ask: str, age_seconds: float, size: int = 0) -> np.ndarray:
        quotes = np.zeros(1, QUOTE)
        at = self.application.base.clock() - timedelta(seconds=age_seconds)
        quotes["time"] = int(at.timestamp() * 1000)
        quotes["bid"], quotes["ask"], quotes["last"] = (paise(Decimal(p)) for p in (bid, ask, bid))
        quotes["bid_size"] = quotes["ask_size"] = size
        return quotes

    def request(
        self,
        side: Side = Side.BUY,
        symbol: str | None = None,
        limit: str | None = None,
        quantity: int = 65,
        priority: Priority = Priority.NORMAL,
        validity: Validity = Validity.DAY,
        client_order_id: str | None = None,
        trigger: str | None = None,
    ) -> OrderRequest:
        order_type = OrderType.MARKET if limit is None else OrderType.LIMIT
        return OrderRequest(
            client_order_id=client_order_id or f"c{next(_numbers)}",
            symbol=symbol or self.symbols[0],
            side=side,
            quantity=quantity,
            order_type=order_type if trigger is None else OrderType.STOP_LIMIT,
            limit_price=None if limit is None else Decimal(limit),
            trigger_price=None if trigger is None else Decimal(trigger),
            validity=validity,
            priority=priority,
        )

    def accept(self, user_id: int, *requests: OrderRequest) -> tuple[Accepted, ...]:
        (outcome,) = self.application.intake.acceptance.accept([Submission(user_id, requests)])
        assert isinstance(outcome, tuple)
        return outcome

    def list_future(self, bid: str, ask: str) -> str:
        """List and quote the future of the chain too; return its symbol."""
        options = contracts(self.application)
        symbol = format_future("NIFTY", options[0].expiry)
        tick, none = Decimal("0.10"), Decimal(0)
        self.list_beside(
            replace(options[0], symbol=symbol, strike=none, right=None, tick_size=tick), bid, ask
        )
        return symbol

    def list_beside(self, other: Contract, bid: str, ask: str) -> None:
        """List and quote a contract beside the chain, which is quoted as before."""
        options = contracts(self.application)
        self._list([*options, other])
        self.spot(SPOT)
        self.quote(other.symbol, bid, ask)
        for option in options:
            self.quote(option.symbol, "100.00", "100.50")
        self.publish_risk()

    def list_others(self) -> None:
        """List another chain, as a master does that lacks all contracts of this one."""
        self._list(contracts(self.application, (30_000,)))
        self.spot(SPOT)

    def unlist(self) -> None:
        """Take every contract of the chain off the list, also what a listing would keep."""
        listed = contracts(self.application, (30_000,))
        self.application.market.contracts.store.replace(Universe(listed))
        with self.application.base.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE contracts SET listed = false WHERE symbol <> ALL(%s)",
                ([contract.symbol for contract in listed],),
            )
        self._publish()

    def expire(self) -> None:
        """Let every contract of the chain have expired."""
        now = self.application.base.clock()
        self._list([replace(c, expires_at=now) for c in contracts(self.application)])

    def fill_the_queue(self, orders: int = 4) -> None:
        """Let so many orders of another account wait to be decided."""
        self.accept(self.account("crowd"), *[self.request() for _ in range(orders)])

    def _list(self, listed: Sequence[Contract]) -> None:
        listing = self.application.market.contracts
        listing.store.replace(Universe(listed))
        self._publish()

    def _publish(self) -> None:
        listing = self.application.market.contracts
        # An unknown version makes the table be read again.
        assert self.application.market.universes.version(f"another {next(_numbers)}") is None
        listing.publish(self.application.market.universes.current().version)

    def statuses(self) -> dict[int, str]:
        with self.application.base.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT id, status FROM orders ORDER BY id")
            return {int(order_id): str(status) for order_id, status in rows}

    def assert_invariants(self) -> None:
        broken = [
            i
            for i in self.application.operations.invariants.check(self.application.base.clock())
            if not i.holds
        ]
        assert not broken
