"""The comparison with the broker and its order updates; a client is made when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from decimal import Decimal
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.broker_contracts import PostgresBrokerContracts
from angel_x.adapters.postgres.reconciliations import PostgresReconciliations
from angel_x.bootstrap.foundation import Foundation
from angel_x.domain.exchange.reconciliation import BrokerState
from angel_x.services.trading.margin_comparison import MarginComparison
from angel_x.services.trading.reconciliation import Reconciler
from angel_x.services.trading.venue_reports import VenueReports
from config.settings import Settings

if TYPE_CHECKING:
    from angel_x.adapters.angel_one.client import AngelOne
    from angel_x.adapters.angel_one.scrips import FindSymbols


class LazyBroker:
    """The broker's books; the client is made when they are first read, and kept."""

    def __init__(
        self,
        settings: Settings,
        expired: Callable[[Collection[str]], Collection[str]],
        find: FindSymbols,
    ) -> None:
        self._settings = settings
        self._expired = expired
        self._find = find
        self._client: AngelOne | None = None

    def state(self, patience_seconds: float) -> BrokerState:
        from angel_x.adapters.angel_one.book_state import BrokerBooks  # noqa: PLC0415

        books = BrokerBooks(
            self._made(), expired=self._expired, find=self._find, monotonic=monotonic
        )
        return books.state(patience_seconds)

    def margins(self, patience_seconds: float) -> dict[str, Decimal]:
        from angel_x.adapters.angel_one.broker_margin import margins  # noqa: PLC0415

        return margins(self._made(), monotonic() + patience_seconds, self._find)

    def _made(self) -> AngelOne:
        # A system on paper needs no client.
        from angel_x.bootstrap.broker import build_broker  # noqa: PLC0415

        self._client = self._client or build_broker(self._settings)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def build_comparisons(base: Foundation, *, is_live: bool) -> tuple[Reconciler, MarginComparison]:
    """Put the comparisons together; credentials are needed at the first one."""
    store = PostgresReconciliations(base.engine, base.clock, base.settings.live_accounts)
    names = PostgresBrokerContracts(base.engine)
    broker = LazyBroker(base.settings, store.expired, names.symbols)
    margin = MarginComparison(
        is_live=is_live, read_broker=broker.margins, read_ours=store.margins, meter=base.meter
    )
    reconciler = Reconciler(
        is_live=is_live,
        broker=broker,
        store=store,
        clock=base.clock,
        sleep=sleep,
        tolerance=Decimal(str(base.settings.angel_one_funds_tolerance)),
    )
    return reconciler, margin


def follow(settings: Settings, reports: VenueReports, ended: Event) -> None:
    """Hand the broker's order updates to the reports until an event is set.

    Raises:
        SettingsError: Credentials are missing, or an address would show them to others.
    """
    from angel_x.adapters.angel_one.order_follower import OrderFollower  # noqa: PLC0415
    from angel_x.bootstrap.broker import build_broker, build_order_updates  # noqa: PLC0415

    with closing(build_broker(settings)) as client:
        updates = build_order_updates(settings, client, sleep=ended.wait)
        OrderFollower(updates, reports).run(ended.is_set)
