"""A system whose orders go to a fake exchange that lists the chain of its market."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from time import monotonic

import msgspec

from angel_x.adapters.clock import wall_clock
from angel_x.bootstrap import Application
from angel_x.bootstrap.trading import TradingParts, build_trading
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.listings import listings
from angel_x.rehearsal.fake_exchange.updates import PATH as UPDATES
from angel_x.services.trading.venue import Venue
from tests.builders.broker import ASK, BID, LOT, Broker, broker
from tests.builders.limits import shipped
from tests.builders.orders import Market, contracts
from tests.builders.venue_desk import venue_desk

#: Rupees of the client at the exchange.
CASH = 10_000_000


@dataclass
class Live:
    """An application whose services trade at the exchange, and its market."""

    market: Market
    at_broker: Broker
    application: Application

    @property
    def trading(self) -> TradingParts:
        return self.application.trading


@contextmanager
def live(application: Application, **settings: object) -> Iterator[Live]:
    """Serve an exchange with the contracts of the market, and trade there."""
    market = Market.open(application)
    made = Exchange(
        listings(contracts(application)),
        now=wall_clock,
        monotonic=monotonic,
        limits=shipped,
        cash=Decimal(CASH),
    )
    made.quote_all(BID, ASK, 100 * LOT)
    with broker(made) as at_broker:
        at = Live(market, at_broker, _at_the_broker(application, at_broker, settings))
        try:
            yield at
        finally:
            at.trading.reconciler.close()


def _at_the_broker(
    application: Application, at_broker: Broker, changes: dict[str, object]
) -> Application:
    known = at_broker.exchange.sessions.client
    settings = msgspec.structs.replace(
        application.base.settings,
        angel_one_url=at_broker.server.url,
        angel_one_updates_url=f"ws://{at_broker.server.address}{UPDATES}",
        angel_one_client_code=known.code,
        angel_one_api_key=known.api_key,
        angel_one_pin=known.pin,
        angel_one_totp_secret=known.totp_secret,
        **changes,
    )
    base, orders = replace(application.base, settings=settings), application.orders
    venue: Venue = at_broker.venue(orders.venue.preview)
    desk = venue_desk(orders.units, venue, orders.aftermath, base.market_clock, risks=orders.risks)
    orders = replace(orders, venue=venue, desk=desk)
    trading = build_trading(base, application.market, application.intake, orders)
    return replace(application, base=base, orders=orders, trading=trading)
