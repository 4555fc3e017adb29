"""The rights of the command line, written by hand: whom each command reaches.

A command has the rights of the database's owner, so no key stands between it and an account; what it
reaches is what it names.  A command that has no row here fails the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from angel_x.domain.records.access import Scope
from angel_x.services.operations.alert_targets import TargetForm
from tests.integration.rights.world import HOLDER, Kind, World


class Reach(StrEnum):
    """Whom a command reaches."""

    #: The account that ``--user`` names.
    ACCOUNT = "account"
    #: Every account: a command of operators.
    EVERYONE = "everyone"
    #: No account.
    MARKET = "market"


@dataclass(frozen=True, slots=True)
class Command:
    """One command line; ``REF`` stands for an object, ``SYMBOL`` for a contract."""

    line: str
    reach: Reach
    #: The exit code for an object of the account, a stranger's, and one that nobody has.
    own: int = 0
    kind: Kind | None = None
    strangers: int = 1
    nobodys: int = 1
    stores: bool = False
    #: What is read from standard input.
    text: Callable[[World], str] | None = None
    prepare: Callable[[World], object] | None = None
    #: What the answer about the holder's own must contain.
    shows: str = ""

    @property
    def name(self) -> str:
        """The command without its arguments."""
        words = self.line.split()
        return " ".join(words[: 1 + (words[0] in _GROUPS)])


_GROUPS = {"orders", "users", "keys", "limits", "kill-switch", "alerts", "telegram"}


def _orders(world: World) -> str:
    return msgspec.json.encode([world.order_fields() | {"tag": world.name()}]).decode()


def _legs(world: World) -> str:
    return msgspec.json.encode([world.order_fields() | {"tag": world.name()}] * 2).decode()


def _open_order(world: World) -> object:
    return world.fresh(Kind.ORDER, HOLDER)


def _url(_: World) -> str:
    return "json://127.0.0.1:9/secret\n"


def _limit(world: World) -> object:
    limits = world.application.people.limits
    limits.put(None, {"max_open_orders": 6000}, "cli")
    return limits.put(world.holder_id, {"max_open_orders": 5000}, "cli")


def _target(name: str, owner: str | None) -> Callable[[World], object]:
    """Store a target of an account or the operators, with a dead notice."""

    def prepare(world: World) -> object:
        app = world.application
        user_id = app.people.accounts.named(owner).id if owner else None
        form = TargetForm("json://127.0.0.1:9/secret")
        app.alerts.targets.put(user_id, name, form, actor="cli", by_operator=True)
        app.alerts.targets.test(user_id, name, actor="cli")
        with app.base.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alert_notices SET status = 'dead'")
        return None

    return prepare


def _person(number: int) -> Callable[[World], object]:
    """List a person with a key of the holder."""

    def prepare(world: World) -> object:
        people = world.application.telegram
        return people.allow(number, world.holder_id, [Scope.READ], actor="cli")

    return prepare


_ACCOUNT, _EVERYONE, _MARKET = Reach.ACCOUNT, Reach.EVERYONE, Reach.MARKET

COMMANDS = (
    # Of an account.
    Command("submit -", _ACCOUNT, text=_orders, stores=True, shows="received"),
    Command("basket - --wait 0", _ACCOUNT, text=_legs, stores=True, shows="running"),
    Command("orders show", _ACCOUNT, shows=HOLDER),
    Command("orders show REF", _ACCOUNT, kind=Kind.ORDER, shows="REF"),
    Command("orders modify REF --price 79.00", _ACCOUNT, kind=Kind.ORDER, stores=True, shows="79"),
    Command("orders cancel REF", _ACCOUNT, kind=Kind.ORDER, stores=True, shows="canceled"),
    Command("orders cancel --all", _ACCOUNT, stores=True, prepare=_open_order, shows="canceled"),
    Command("positions", _ACCOUNT, shows="SYMBOL"),
    Command("shadow 2026-08-19", _ACCOUNT, shows="SYMBOL"),
    Command("portfolio --at 2026-08-19T11:30", _ACCOUNT, shows="snapshot_at"),
    Command("trades", _ACCOUNT, shows="SYMBOL"),
    Command("fills", _ACCOUNT, shows="SYMBOL"),
    Command("scenarios", _ACCOUNT, shows="concentration"),
    Command("ledger", _ACCOUNT, shows="amount"),
    Command("contract-note 2026-08-19", _ACCOUNT, shows="charges"),
    Command("portfolio", _ACCOUNT, shows='"open_positions": 1,'),
    Command("export positions", _ACCOUNT, shows="SYMBOL"),
    Command("pnl", _ACCOUNT, shows="realised_fifo"),
    Command("equity", _ACCOUNT, shows="points"),
    Command("square-off --wait 0", _ACCOUNT, own=1, stores=True, shows="running"),
    Command("limits list", _ACCOUNT, shows="1000000000"),
    Command("limits set max_order_quantity=9100", _ACCOUNT, stores=True, shows="9100"),
    Command("limits clear max_open_orders", _ACCOUNT, stores=True, prepare=_limit),
    Command("kill-switch off --reason holder", _ACCOUNT, stores=True, shows="active"),
    Command("kill-switch on --reducing", _ACCOUNT, stores=True, shows="reducing"),
    Command("keys create --scope read", _ACCOUNT, stores=True, shows="ax_"),
    Command("keys list", _ACCOUNT, shows="prefix"),
    Command("alerts add phone", _ACCOUNT, stores=True, text=_url, shows='"service": "json"'),
    Command("alerts list", _ACCOUNT, prepare=_target("mine", HOLDER), shows="mine"),
    Command("alerts notices", _ACCOUNT, prepare=_target("mine", HOLDER), shows="mine"),
    Command("alerts test mine", _ACCOUNT, stores=True, prepare=_target("mine", HOLDER)),
    Command("alerts retry", _ACCOUNT, stores=True, prepare=_target("mine", HOLDER)),
    Command("alerts remove gone", _ACCOUNT, stores=True, prepare=_target("gone", HOLDER)),
    Command("telegram allow 71", _ACCOUNT, stores=True, shows='"person_id": 71'),
    # Of operators.
    Command("telegram list", _EVERYONE, prepare=_person(72), shows=HOLDER),
    Command("telegram forget 73", _EVERYONE, stores=True, prepare=_person(73), shows="73"),
    Command("alerts list --system", _EVERYONE, prepare=_target("ops", None), shows="ops"),
    Command(
        "alerts notices --system --status dead",
        _EVERYONE,
        prepare=_target("ops", None),
        shows="ops",
    ),
    Command("alerts add night --system --yes", _EVERYONE, stores=True, text=_url, shows='"topics"'),
    Command("alerts test --system --yes", _EVERYONE, stores=True, prepare=_target("ops", None)),
    Command("alerts retry --system --yes", _EVERYONE, stores=True, prepare=_target("ops", None)),
    Command(
        "alerts remove out --system --yes", _EVERYONE, stores=True, prepare=_target("out", None)
    ),
    Command("doctor --rebuild", _EVERYONE, shows=HOLDER),
    Command("shadow 2026-08-19 --system", _EVERYONE, shows=HOLDER),
    Command("users list", _EVERYONE, shows=HOLDER),
    Command("users create NAME --cash 5", _EVERYONE, stores=True),
    Command("keys rotate REF", _EVERYONE, 0, Kind.KEY, 0, 2, stores=True, shows="REF"),
    Command("keys revoke REF", _EVERYONE, 0, Kind.KEY, 0, 2, stores=True),
    Command("limits list", _EVERYONE, shows=HOLDER),
    Command(
        "limits set max_order_quantity=9200 --system --yes", _EVERYONE, stores=True, shows="9200"
    ),
    Command("limits clear max_open_orders --system --yes", _EVERYONE, stores=True, prepare=_limit),
    Command("kill-switch off --system --yes", _EVERYONE, stores=True, shows="system"),
    Command("kill-switch on --system --yes", _EVERYONE, stores=True, shows="system"),
    Command("kill-switch off --underlying NIFTY", _EVERYONE, stores=True, shows="NIFTY"),
    Command("kill-switch status", _EVERYONE, shows='"scope": "user"'),
    Command("audit", _EVERYONE, shows="trading_state.set"),
    Command("orders parked", _EVERYONE, shows=HOLDER),
    Command("orders replay REF", _EVERYONE, 0, Kind.PARKED, 0, stores=True, shows="REF"),
    Command("orders show REF --events", _EVERYONE, 0, Kind.PARKED, 0, shows="traceback of holder"),
    # Of the market.
    Command("greeks SYMBOL", _MARKET, shows="SYMBOL"),
    Command("chain NIFTY", _MARKET, shows="SYMBOL"),
)
#: Start processes, change the market, the schema or the whole database, or show the calendar: they name
#: no account and print none.
OTHERS = {
    "alerts key",
    "demo", "up", "chaos", "chaos live", "soak", "api", "worker", "beat", "flower", "desk", "telegram", "feed", "relay", "metrics",
    "feed pause", "feed resume", "feed seek", "feed speed", "feed status",
    "contracts load", "contracts generate", "db upgrade", "db downgrade", "backup", "restore", "calendar",
    "schedule", "openings", "settle", "settle load", "settle set", "span", "span load", "span drop", "status", "top", "db explain", "db slow-queries", "db size", "redis report", "broker check", "broker margin", "broker master", "broker orders", "broker reconcile", "broker watch", "live", "live confirm", "live withdraw", "fake-exchange", "profile orders", "profile greeks", "profile memory", "profile process", "reports", "reports show", "reports write",
    "bench", "bench compare", "bench scale", "bench accounts",
}  # fmt: skip
