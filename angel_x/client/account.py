"""Positions, trades, portfolio and margin of an account, and the estimate of orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import overload

import msgspec

from angel_x.client.connection import Connection, OrderFields, listed, with_query
from angel_x.domain.portfolios.past import PastPortfolio
from angel_x.domain.portfolios.pnl import PnlGroup, PnlReport
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.records.access import KeyHolder
from angel_x.domain.records.contract_note import ContractNote
from angel_x.domain.records.equity import EquityPage, EquityPoint
from angel_x.domain.records.margin_record import Balance, MarginEstimate
from angel_x.domain.records.shadow_report import ShadowReport
from angel_x.domain.records.statement import (
    FillPage,
    FillRecord,
    PositionList,
    PositionRecord,
    TradeList,
    TradeRecord,
)


class AccountCalls(Connection):
    """Positions, trades, portfolio and margin."""

    def holder(self) -> KeyHolder:
        """Return the account and the scopes of the key."""
        return self._call("GET", "/v1/key", KeyHolder)

    def positions(self) -> list[PositionRecord]:
        """Return the open positions, the newest first."""
        return list(self._call("GET", "/v1/positions", PositionList).positions)

    def trades(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[TradeRecord]:
        """Return the newest closed round trips, by default of 24 hours, at most 1,000."""
        wanted = {
            "since": None if since is None else since.isoformat(),
            "until": None if until is None else until.isoformat(),
        }
        return list(self._call("GET", with_query("/v1/trades", wanted), TradeList).trades)

    def contract_note(self, day: date) -> ContractNote:
        """Return fills, settlements and charges by item of a day of the market."""
        return self._call("GET", f"/v1/contract-notes/{day.isoformat()}", ContractNote)

    def shadow(self, day: date | None = None) -> ShadowReport:
        """Return the live orders of a day in India, by default today, beside their paper twins."""
        return self._call("GET", with_query("/v1/shadow", {"day": day}), ShadowReport)

    def fills(self, since: datetime | None = None) -> Iterator[FillRecord]:
        """Yield the fills, the newest first, page by page."""
        wanted: dict[str, object] = {"since": since.isoformat() if since else None}
        while True:
            page = self._call("GET", with_query("/v1/fills", wanted), FillPage)
            yield from page.fills
            if page.next is None:
                return
            wanted["cursor"] = page.next

    def pnl(
        self,
        by: PnlGroup | str = PnlGroup.DAY,
        *,
        since: date | None = None,
        until: date | None = None,
    ) -> PnlReport:
        """Return the realised P&L by average cost and by FIFO, of days of the market, ends included."""
        path = with_query("/v1/pnl", {"by": by, "since": since, "until": until})
        return self._call("GET", path, PnlReport)

    def equity(self) -> list[EquityPoint]:
        """Return the newest points of the equity curve, at most 1,000."""
        return list(self._call("GET", "/v1/equity", EquityPage).points)

    def past_portfolio(self, at: datetime) -> PastPortfolio:
        """Return what the account held at a past moment, and its worth by the marks of then."""
        path = with_query("/v1/portfolio/past", {"at": at.isoformat()})
        return self._call("GET", path, PastPortfolio)

    def portfolio(self) -> Portfolio:
        return self._call("GET", "/v1/portfolio", Portfolio)

    @overload
    def margin(self) -> Balance: ...

    @overload
    def margin(self, orders: OrderFields | Iterable[OrderFields]) -> MarginEstimate: ...

    def margin(
        self, orders: OrderFields | Iterable[OrderFields] | None = None
    ) -> Balance | MarginEstimate:
        """Return the balance, or the estimate of its change by orders; these need no client order id."""
        if orders is None:
            return self._call("GET", "/v1/margin", Balance)
        given = listed(orders)
        body = msgspec.json.encode({"orders": given})
        return self._call("POST", "/v1/margin", MarginEstimate, body=body)
