"""The venue of the settings: the paper exchange, or the trading broker behind the guard of live trading.

The broker may have a shadow.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.broker_contracts import PostgresBrokerContracts
from angel_x.bootstrap.foundation import TRANSIENT, Foundation
from angel_x.bootstrap.shadow import ShadowParts
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.charges import Tariff
from angel_x.services.trading.guarded_venue import GuardedVenue
from angel_x.services.trading.live_guard import LiveGuard
from angel_x.services.trading.shadowed_venue import ShadowedVenue
from angel_x.services.trading.venue import Venue

if TYPE_CHECKING:
    from angel_x.domain.exchange.charges import ChargeRates


class OpenVenue(NamedTuple):
    """A venue, and the end of its connections."""

    venue: Venue
    close: Callable[[], None]


def open_venue(
    base: Foundation, paper: Venue, guard: LiveGuard | None, shadow: ShadowParts | None
) -> OpenVenue:
    """Return the paper exchange, or the broker where there is a guard, without connecting.

    Orders at the broker are decided on the terms that the paper exchange previews.

    Raises:
        SettingsError: Credentials are missing, or an address would show them to others.
    """
    if guard is None:
        return OpenVenue(paper, lambda: None)
    broker = _broker(base, paper, guard)
    return broker if shadow is None else _shadowed(broker, shadow)


def _shadowed(broker: OpenVenue, shadow: ShadowParts) -> OpenVenue:
    def close() -> None:
        broker.close()
        shadow.close()

    return OpenVenue(ShadowedVenue(broker.venue, shadow.shadow), close)


def _broker(base: Foundation, paper: Venue, guard: LiveGuard) -> OpenVenue:
    # Not imported on paper: every process would load the client and its libraries.
    from angel_x.adapters.angel_one.books import Books  # noqa: PLC0415
    from angel_x.adapters.angel_one.scrips import SearchedScrips, rates_in  # noqa: PLC0415
    from angel_x.adapters.angel_one.stored_scrips import StoredScrips  # noqa: PLC0415
    from angel_x.adapters.angel_one.venue import AngelOneVenue  # noqa: PLC0415
    from angel_x.bootstrap.broker import build_broker  # noqa: PLC0415

    settings = base.settings
    client = build_broker(settings)
    tariff = base.tables.rule(Tariff.from_tables, "charges", "contracts")

    def rates(trading_symbol: str) -> ChargeRates:
        return rates_in(tariff(), trading_symbol, base.market_clock().astimezone(IST).date())

    venue = AngelOneVenue(
        client,
        Books(client, rates),
        scrips=StoredScrips(
            PostgresBrokerContracts(base.engine).chain,
            SearchedScrips(client.search).of,
            outages=TRANSIENT,
            monotonic=monotonic,
        ),
        preview=paper.preview,
        sleep=sleep,
        monotonic=monotonic,
        # A request that begins by then is over within half of a lease.
        patience_seconds=settings.order_lease_seconds / 2 - settings.angel_one_timeout_seconds,
    )
    return OpenVenue(GuardedVenue(venue, guard.refusal), client.close)
