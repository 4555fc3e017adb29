"""Live trading from the claim of a worker to a fake exchange, and each condition without which nothing goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from angel_x.adapters.angel_one.scrips import trading_symbol
from angel_x.adapters.clock import wall_clock
from angel_x.bootstrap import Application
from angel_x.bootstrap.broker import build_live_market
from angel_x.domain.book.control import ControlScope, OrderSelection
from angel_x.domain.book.risk import TradingState
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import Contract, Right, format_symbol
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Side
from angel_x.entrypoints.metrics import sources
from angel_x.errors import InvalidScripMaster
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.listings import Listing
from config.settings import SettingsError
from tests.builders.broker import ASK, BID, LOT, Broker, broker
from tests.builders.deadlines import DEADLINE_SECONDS
from tests.builders.environs import application_on
from tests.builders.limits import shipped
from tests.builders.live import live_settings
from tests.builders.orders import Market, contracts
from tests.builders.shells import Shell

_RECONCILED = """
INSERT INTO reconciliations
    (at, orders, executions, positions, pending, unequal, foreign_orders, differences)
VALUES (clock_timestamp(), 0, 0, 0, %(pending)s, %(unequal)s, '[]', '[]')
"""

CHARGES = "SELECT sum(amount) FROM ledger_entries WHERE account = 'charges'"


@pytest.fixture
def at_broker(application: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A fake exchange that lists the contracts of the market."""
    # No other process has sent anything.
    monkeypatch.setattr("angel_x.bootstrap.broker._QUIET_SECONDS", 0.0)
    listings = [
        Listing(
            str(40_000 + number),
            trading_symbol(each.symbol),
            "NFO",
            each.underlying,
            each.expiry,
            each.strike,
            str(each.right),
            LOT,
            each.tick_size,
            each.freeze_quantity,
        )
        for number, each in enumerate(contracts(application))
    ]
    made = Exchange(listings, now=wall_clock, monotonic=monotonic, limits=shipped)
    made.quote_all(BID, ASK, 100 * LOT)
    with broker(made) as found:
        yield found


def master(at_broker: Broker, tmp_path: Path) -> Path:
    """Return the scrip master of an exchange."""
    path = tmp_path / "master.json"
    rows = [each.scrip() for each in at_broker.exchange.listings.values()]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


class Live:
    """A system that trades at a fake exchange, and its database."""

    def __init__(self, environ: dict[str, str], at_broker: Broker) -> None:
        self.environ = environ
        self.settings = live_settings(at_broker, "asha")

    def started(self, **changes: str) -> AbstractContextManager[Application]:
        return application_on(self.environ, **{**self.settings, **changes})

    def shell(self) -> Shell:
        named = {f"ANGEL_X_{name.upper()}": value for name, value in self.settings.items()}
        return Shell({**self.environ, **named})


@pytest.fixture
def live(environ: dict[str, str], at_broker: Broker) -> Live:
    return Live(environ, at_broker)


def rows(application: Application, query: str) -> list[tuple[Any, ...]]:
    with application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def reconcile(application: Application, *, unequal: int = 0, pending: int = 0) -> None:
    """Store the result of a comparison with the broker's books."""
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(_RECONCILED, {"unequal": unequal, "pending": pending})


def place(
    application: Application,
    user_id: int,
    side: Side = Side.BUY,
    limit: str = "101.00",
    symbol: str | None = None,
) -> tuple[str, str | None]:
    """Have a worker claim an order; return its status and its reason."""
    market = Market(application, tuple(application.market.universes.current().symbols))
    (accepted,) = market.accept(user_id, market.request(side, symbol, limit))
    application.trading.execution.run([accepted.order_id])
    (found,) = rows(
        application, f"SELECT status, reason FROM orders WHERE id = {accepted.order_id}"
    )
    return found[0], found[1]


def confirmed(live: Live, application: Application) -> None:
    result = live.shell().run("live", "confirm", text=application.live.trading.phrase() + "\n")
    assert result.exit_code == 0, result.output


def test_an_order_goes_to_the_exchange_only_with_every_condition(
    application: Application, at_broker: Broker, live: Live
) -> None:
    market = Market.open(application)
    asha, stranger = market.account("asha"), market.account("stranger")
    sent = at_broker.exchange.orders

    # The mode lacks: all else is there, and the order trades on paper.
    with live.started(trading_mode="paper") as paper:
        assert place(paper, asha) == ("filled", None)
        paper.live.runs.begin()
        paper.live.runs.end()
    with live.started() as app:
        app.live.runs.begin()
        # Without a confirmation, after other words as well.
        assert place(app, asha) == ("denied", "LIVE_UNCONFIRMED")
        assert live.shell().run("live", "confirm", text="yes\n").exit_code == 2
        assert app.live.trading.status().confirmed_by is None
    assert sent == {}
    with live.started() as app:
        confirmed(live, app)
        app.live.runs.begin()
        reconcile(app, unequal=1)
        reconcile(app, pending=1)
        assert place(app, asha) == ("denied", "LIVE_UNRECONCILED")
    with live.started() as app:
        app.live.runs.begin()
        reconcile(app)
        # Outside of the list.
        assert place(app, stranger) == ("denied", "LIVE_NOT_ALLOWED")
        assert sent == {}

        assert place(app, asha) == ("filled", None)

        assert [each.filled for each in sent.values()] == [LOT]
        # Without a stored master its contract was searched for.
        assert at_broker.requests("search") == 1
        assert app.live.trading.status().blocked is None
        app.live.runs.end()
    with live.started() as app:
        # A start after a stop in order needs no reconciliation; a withdrawal ends everything.
        app.live.runs.begin()
        assert app.live.trading.status().blocked is None
        live.shell().run("live", "withdraw")
        assert place(app, asha) == ("denied", "LIVE_UNCONFIRMED")
    assert len(sent) == 1
    market.assert_invariants()


def test_without_credentials_or_accounts_nothing_starts(
    application: Application, live: Live
) -> None:
    for name in ("angel_one_pin", "angel_one_totp_secret", "live_users"):
        with pytest.raises(SettingsError, match=name.upper()), live.started(**{name: ""}):
            pass
    assert rows(application, "SELECT count(*) FROM trading_runs") == [(0,)]


def sensex(application: Application) -> Contract:
    """Return a weekly call of SENSEX."""
    call = contracts(application)[0]
    symbol = format_symbol("SENSEX", call.expiry, Decimal(80_000), Right.CALL)
    return replace(
        call, symbol=symbol, underlying="SENSEX", strike=Decimal(80_000), right=Right.CALL
    )


def list_of_bse(at_broker: Broker, contract: Contract) -> None:
    """List a contract under a name that its terms do not state."""
    day = f"{contract.expiry:%y}{'123456789OND'[contract.expiry.month - 1]}{contract.expiry:%d}"
    first = next(iter(at_broker.exchange.listings.values()))
    name = f"SENSEX{day}{contract.strike}CE"
    listing = replace(
        first,
        token="861001",
        trading_symbol=name,
        exchange="BFO",
        underlying="SENSEX",
        strike=contract.strike,
    )
    at_broker.server.do(lambda each: each.listings.update({listing.token: listing}))
    at_broker.server.do(lambda each: each.quote_all(BID, ASK, 100 * LOT))


def test_a_contract_of_bse_trades_under_its_stored_name_without_a_search(
    application: Application, at_broker: Broker, live: Live, tmp_path: Path
) -> None:
    market, of_bse = Market.open(application), sensex(application)
    asha = market.account("asha")
    market.list_beside(of_bse, "100.00", "100.50")
    list_of_bse(at_broker, of_bse)
    path = tmp_path / "master.json"
    whole = json.dumps([each.scrip() for each in at_broker.exchange.listings.values()])
    stored = "SELECT count(*) FROM broker_contracts"
    with live.started() as app:

        def load(content: str) -> None:
            path.write_text(content, encoding="utf-8")
            universe = app.market.universes.current()
            build_live_market(app.base.settings, app.base, path, universe)

        with pytest.raises(InvalidScripMaster):
            load(whole[:-20])
        assert rows(app, stored) == [(0,)]
        load(whole)
        assert rows(app, stored) == [(len(at_broker.exchange.listings),)]
        confirmed(live, app)
        app.live.runs.begin()
        reconcile(app)

        bought = [place(app, asha, symbol=symbol) for symbol in (market.symbols[0], of_bse.symbol)]

        assert bought == [("filled", None)] * 2
        assert [each.filled for each in at_broker.exchange.orders.values()] == [LOT] * 2
        assert at_broker.requests("search") == 0
        result = app.trading.reconciler.run()
        assert (result.positions, result.differences) == (2, ())
        tariff = app.base.tables.rule(Tariff.from_tables, "charges", "contracts")()
        today = app.base.market_clock().astimezone(IST).date()
    charges = [
        tariff.on(underlying, today).on_order(Side.BUY, LOT * ASK)
        for underlying in ("NIFTY", "SENSEX")
    ]
    assert charges[0] != charges[1]
    assert rows(application, CHARGES) == [(sum(charges),)]
    market.assert_invariants()


def test_a_kill_switch_and_a_square_off_reach_the_exchange(
    application: Application, at_broker: Broker, live: Live
) -> None:
    asha = Market.open(application).account("asha")
    with live.started() as app:
        confirmed(live, app)
        app.live.runs.begin()
        reconcile(app)
        held, rests = place(app, asha), place(app, asha, limit="99.00")
        assert (held[0], rests[0]) == ("filled", "working")

        controls = app.controls
        controls.trading_controls.turn(
            ControlScope.SYSTEM, "", TradingState.HALTED, actor="test", reason="drill"
        )
        controls.enforcement.run()

        assert [each.status.value for each in at_broker.exchange.orders.values()] == [
            "complete",
            "cancelled",
        ]
        flow = app.workflows
        started, _ = flow.square_off.start(asha, OrderSelection(), key="exit", actor="test")
        flow.advance.run(started.id)
        assert rows(app, "SELECT count(*) FROM positions WHERE status = 'OPEN'") == [(0,)]

    *_, last = at_broker.exchange.orders.values()
    assert (last.is_buy, last.filled) == (False, LOT)


def test_shadow_shows_each_live_order_beside_what_paper_would_have_done(
    application: Application, at_broker: Broker, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angel_x.services.trading.shadow._LATE_SECONDS", 600.0)
    market = Market.open(application)
    asha, stranger = market.account("asha"), market.account("stranger")
    dear, rests, cheap, gone = market.symbols[:4]
    with live.started(shadow="true") as app:
        confirmed(live, app)
        app.live.runs.begin()
        reconcile(app)

        def order(symbol: str, limit: str, bid: int, ask: int) -> str:
            """Place an order while the exchange quotes this, and wait for its twin."""
            at_broker.server.do(lambda e: e.quote_all(Decimal(bid), Decimal(ask), 100 * LOT))
            status, _ = place(app, asha, limit=limit, symbol=symbol)
            eventually(lambda: twin(app, symbol) != [])
            return status

        # On paper the market is at 100.00 x 100.50 until it comes down to one limit.
        assert order(cheap, "99.60", 98, 99) == "filled"
        assert order(dear, "102.00", 100, 101) == "filled"
        assert order(rests, "100.60", 100, 101) == "working"
        assert order(gone, "90.00", 100, 101) == "working"
        assert [*twin(app, cheap), *twin(app, gone)] == [("working", 0, 0)] * 2
        market.quote(cheap, "99.00", "99.40")
        app.orders.follow_twins()
        eventually(lambda: twin(app, cheap) == [("filled", LOT, LOT * Decimal("99.60"))])
        ((number,),) = rows(app, f"SELECT id FROM orders WHERE symbol = '{gone}'")
        app.trading.cancellation.cancel(asha, number)
        eventually(lambda: twin(app, gone) == [("canceled", 0, 0)])

        report, shown = (
            app.people.shadow.of(asha),
            live.shell().run("shadow", "--user", "asha").output,
        )
        assert app.people.shadow.of(stranger).orders == ()
        (read,) = (s.read for s in sources(app) if s.metric is Metric.SHADOW_SLIPPAGE)
        assert read() == {"": -0.05}
        monkeypatch.setattr("angel_x.services.accounts.shadow_reports._PATIENCE", timedelta())
        assert app.people.shadow.without_twin() == 0
        with app.base.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM shadow_orders WHERE order_id = {number}")
        assert app.people.shadow.without_twin() == 1
        # Twins take displayed sizes of their own.
        assert app.base.cache.keys("ax:taken:*") == []
    pairs = {
        o.symbol: [*((each.status, each.average_price) for each in (o.live, o.paper)), o.slippage]
        for o in report.orders
    }
    assert pairs == {
        dear: [("filled", Decimal(101)), ("filled", Decimal("100.5")), Decimal("32.50")],
        rests: [("working", None), ("filled", Decimal("100.5")), None],
        cheap: [("filled", Decimal(99)), ("filled", Decimal("99.6")), Decimal("-39.00")],
        gone: [("canceled", None), ("canceled", None), None],
    }
    assert shown.count("NIFTY_") == 4
    assert "4 orders: 2 have traded on both sides, 0 live only, 1 on paper only." in shown
    assert "Slippage of 130 units: -₹6.50, -0.0500 a unit." in shown
    assert [each.filled for each in at_broker.exchange.orders.values()] == [LOT, LOT, 0, 0]
    assert rows(application, "SELECT count(*), sum(quantity) FROM fills") == [(2, 2 * LOT)]
    market.assert_invariants()


def twin(application: Application, symbol: str) -> list[tuple[Any, ...]]:
    """Return status, filled quantity and traded value of the paper twin of an order in a contract."""
    return rows(
        application,
        f"SELECT status, filled_quantity, traded_value FROM shadow_orders WHERE symbol = '{symbol}'",
    )


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = monotonic() + DEADLINE_SECONDS
    while not condition():
        assert monotonic() < end, "the twin must move"
        sleep(0.02)
