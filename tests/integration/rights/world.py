"""Two accounts with one of everything each, the keys of one of them, and prints of all tables.

Everything of the stranger is marked: names contain ``stranger``, ids and money begin with 77007.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any

from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import OrderRequest, Side
from angel_x.domain.records.access import Scope
from angel_x.domain.workflows.basket import BasketRequest, OnRefusal
from tests.builders.message_ids import new_id
from tests.builders.orders import Market

HOLDER, STRANGER = "holder", "stranger"
#: Nobody has it: the name or the id of an object that does not exist.
NOBODY = "nobody"

#: Between the ids of the two accounts.
_OFFSET = 7_700_770_077_000
_MISSING_ID = "8800880088000"
#: More digits than a fraction of a second has.
_MARK = re.compile(rf"{STRANGER}|77007\d{{5}}", re.IGNORECASE)
#: Tables whose ids are shifted for the stranger.
_NUMBERED = ("users", "orders", "workflows", "positions", "trades", "fills")


class Kind(StrEnum):
    """What a call may name."""

    ORDER = "order"
    PARKED = "parked"
    #: The client order id of an order, and of a message that was refused.
    NAMED = "named"
    REFUSED = "refused"
    BASKET = "basket"
    SQUARE_OFF = "square-off"
    SQUARE_OFF_KEY = "square-off key"
    ACCOUNT = "account"
    KEY = "key"


_BY_ID = {Kind.ORDER, Kind.PARKED, Kind.SQUARE_OFF}
_BY_NAME = {Kind.NAMED, Kind.BASKET, Kind.SQUARE_OFF_KEY}


@dataclass(frozen=True, slots=True)
class Print:
    """All rows of all tables, and those of the stranger, as one number a table."""

    rows: dict[str, tuple[int, int]]
    strangers: dict[str, tuple[int, int]]


@dataclass
class World:
    """The accounts, and what belongs to them."""

    application: Application
    market: Market
    keys: dict[str, str] = field(default_factory=dict)
    _standing: dict[tuple[Kind, str], str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _print: str = ""

    @classmethod
    def of(cls, application: Application) -> World:
        world = cls(application, Market.open(application))
        for account, cash in ((HOLDER, "10000000"), (STRANGER, "7700770077")):
            with world.numbered(account):
                world.market.account(account, cash)
                world._furnish(account)
        application.analytics.portfolios.update(world.market.accounts.values())
        world.keys = world._issue()
        world._print = _print_of(application, world.stranger_id)
        return world

    @property
    def holder_id(self) -> int:
        return self.market.accounts[HOLDER]

    @property
    def stranger_id(self) -> int:
        return self.market.accounts[STRANGER]

    def symbol(self, account: str) -> str:
        """Return the only contract that an account trades."""
        return self.market.symbols[0 if account == HOLDER else 3]

    def standing(self, kind: Kind, account: str) -> str:
        """Return how an object is named that no test changes."""
        if account == NOBODY:
            return _MISSING_ID if kind in _BY_ID else "000000000000" if kind is Kind.KEY else NOBODY
        return self._standing[kind, account]

    def ref(self, kind: Kind, account: str, *, is_new: bool) -> str:
        return self.fresh(kind, account) if is_new else self.standing(kind, account)

    def fresh(self, kind: Kind, account: str) -> str:
        """Return how a new object of the account is named."""
        if account == NOBODY:
            return self.name("free") if kind in _BY_NAME else self.standing(kind, account)
        with self.numbered(account):
            # Of names that the holder takes as well, nothing may say whose they were.
            return self._made(kind, account, self.name("taken"))

    def name(self, account: str = HOLDER) -> str:
        """Return a name that nothing has yet."""
        return f"{account}-{next(self._numbers)}"

    def order_fields(self, account: str = HOLDER) -> dict[str, Any]:
        """Return the fields of an order that is accepted, and waits in the market."""
        return {
            "symbol": self.symbol(account),
            "side": "BUY",
            "quantity": 65,
            "order_type": "LIMIT",
            "price": "80.00",
        }

    def print(self) -> Print:
        """Read all tables."""
        with self.application.base.engine.connect() as connection:
            found = connection.exec_driver_sql(self._print).fetchall()
        return Print(
            {table: (rows, total) for table, rows, total, _, _ in found},
            {table: (rows, total) for table, _, _, rows, total in found},
        )

    def leaks(self, text: str, *, symbols: bool = True) -> list[str]:
        """Return what a text says of the stranger; a list of contracts names them all."""
        found = [match.group() for match in _MARK.finditer(text.replace(",", ""))]
        return found + [self.symbol(STRANGER)] * (symbols and self.symbol(STRANGER) in text)

    @contextmanager
    def numbered(self, account: str) -> Iterator[None]:
        """Give rows ids by which the stranger's are known."""
        offset = _OFFSET if account == STRANGER else 0
        self._shift(offset)
        yield
        self._shift(-offset)

    def _shift(self, offset: int) -> None:
        if offset:
            with self.application.base.engine.begin() as connection:
                for table in _NUMBERED:
                    name = f"{table}_id_seq"
                    connection.exec_driver_sql(
                        f"SELECT setval('{name}', last_value + ({offset})) FROM {name}"
                    )

    def _issue(self) -> dict[str, str]:
        access = self.application.people.access
        scopes = {scope.value: [scope] for scope in Scope}
        scopes |= {
            "read and trade": [Scope.READ, Scope.TRADE],
            "trade and admin": [Scope.TRADE, Scope.ADMIN],
            "revoked": [Scope.TRADE, Scope.ADMIN],
        }
        keys = {name: access.issue(self.holder_id, allowed) for name, allowed in scopes.items()}
        access.revoke(keys["revoked"].split("_")[1])
        return keys

    def _furnish(self, account: str) -> None:
        """Let an account hold, have closed, and have set something of everything."""
        user_id, market, app = self.market.accounts[account], self.market, self.application
        sides = [Side.BUY, Side.SELL, Side.BUY if account == HOLDER else Side.SELL]
        for side in sides:
            self._decided(account, side)
        self._decided(account, Side.BUY, limit="80.00")
        app.people.limits.put(user_id, {"max_order_notional": "7700770077"}, f"{account}'s")
        if account == HOLDER:
            app.people.limits.put(user_id, {"max_order_notional": "1000000000"}, "holder's")
        app.controls.trading_controls.turn(
            ControlScope.USER, str(user_id), TradingState.ACTIVE, actor="cli", reason=account
        )
        for kind in Kind:
            self._standing[kind, account] = self._made(kind, account, self.name(account))
        with app.base.engine.begin() as connection:
            connection.exec_driver_sql(_TWINS, {"user_id": user_id})
        # The same names in both accounts.
        market.accept(user_id, self.request(account, name="same"))
        self._basket(account, "same")
        app.workflows.square_off.start(user_id, OrderSelection(), key="same", actor=account)

    def _decided(self, account: str, side: Side, limit: str | None = None) -> None:
        request = self.market.request(
            side, self.symbol(account), limit=limit, client_order_id=self.name(account)
        )
        (accepted,) = self.market.accept(self.market.accounts[account], request)
        self.application.trading.execution.run([accepted.order_id])

    def request(self, account: str, name: str | None = None) -> OrderRequest:
        name = name or self.name(account)
        return self.market.request(symbol=self.symbol(account), limit="80.00", client_order_id=name)

    def _made(self, kind: Kind, account: str, name: str) -> str:
        user_id, app = self.market.accounts[account], self.application
        match kind:
            case Kind.ORDER | Kind.PARKED | Kind.NAMED:
                (order,) = self.market.accept(user_id, self.request(account, name))
                if kind is Kind.PARKED:
                    app.trading.execution.park([order.order_id], f"a traceback of {account}")
                return name if kind is Kind.NAMED else str(order.order_id)
            case Kind.REFUSED:
                app.intake.messaging.submit(
                    new_id(), {"client_order_id": name, "symbol": account}, account
                )
                return name
            case Kind.BASKET:
                return self._basket(account, name)
            case Kind.SQUARE_OFF | Kind.SQUARE_OFF_KEY:
                workflow, _ = app.workflows.square_off.start(
                    user_id, OrderSelection(), key=name, actor=account
                )
                return name if kind is Kind.SQUARE_OFF_KEY else str(workflow.id)
            case Kind.KEY:
                return app.people.access.issue(user_id, [Scope.READ]).split("_")[1]
            case Kind.ACCOUNT:
                return account

    def _basket(self, account: str, name: str) -> str:
        basket = BasketRequest(name, (self.request(account),), OnRefusal.KEEP)
        self.application.workflows.baskets.submit(self.market.accounts[account], basket, account)
        return name


#: Paper twins, as if the orders of an account had been sent to the exchange.
_TWINS = """
INSERT INTO shadow_orders (order_id, user_id, time_priority, arrived_at, moved_at, valid_until, quantity,
    filled_quantity, symbol, side, order_type, validity, status, traded_value)
SELECT id, user_id, id, '2026-08-19 05:00+00', now(), valid_until, quantity, 0, symbol, side, order_type, validity,
    'canceled', 0
FROM orders WHERE user_id = %(user_id)s
"""
#: Whose a row is, of tables that do not say it in a column ``user_id``.
_OWNERS = {
    "users": "t.id = {id}",
    "order_events": "t.order_id IN (SELECT id FROM orders WHERE user_id = {id})",
    "trading_controls": "t.scope = 'user' AND t.name = '{id}'",
    "risk_limits": "t.scope = 'user' AND t.name = '{id}'",
    "alert_notices": "t.target_id IN (SELECT id FROM alert_targets WHERE user_id = {id})",
    "audit_entries": "t.subject = 'user:{id}' OR t.subject IN "
    "(SELECT 'order:' || id FROM orders WHERE user_id = {id})",
}
#: What belongs to no account.
_NOBODYS = {
    "alert_conditions",
    "alert_cursors",
    "alembic_version",
    "broker_contracts",
    "canaries",
    "contracts",
    "final_prices",
    "greeks_snapshot",
    "index_levels",
    "live_confirmations",
    "minute_quotes",
    "proofs",
    "reconciliations",
    "retention_horizons",
    "risk_files",
    "settlement_prices",
    "telegram_cursors",
    "trading_runs",
}
_TABLES = """
SELECT c.relname, EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'user_id')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition ORDER BY 1
"""


def _print_of(application: Application, user_id: int) -> str:
    """Return the statement that prints all tables; a new table has to be named above."""
    with application.base.engine.connect() as connection:
        tables = connection.exec_driver_sql(_TABLES).fetchall()
    parts = []
    for table, has_user in tables:
        owner = "t.user_id = {id}" if has_user else _OWNERS.get(table, "")
        assert owner or table in _NOBODYS, table
        is_strangers = owner.format(id=user_id) or "false"
        row = "hashtextextended(t::text, 0)"
        parts.append(
            f"SELECT '{table}', count(*), coalesce(sum({row}), 0), "
            f"count(*) FILTER (WHERE {is_strangers}), "
            f"coalesce(sum({row}) FILTER (WHERE {is_strangers}), 0) FROM {table} t"
        )
    return " UNION ALL ".join(parts)
