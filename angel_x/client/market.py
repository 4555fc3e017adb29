"""Greeks, option chains and quotes of past minutes."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

from angel_x.client.connection import Connection, with_query
from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.chains.summary_record import ChainSummary
from angel_x.domain.records.market_status import MarketStatus
from angel_x.domain.records.minute_series import ContractMinutes, UnderlyingMinutes


class MarketCalls(Connection):
    """Quotes, Greeks, option chains and the state of the market."""

    def market(self) -> MarketStatus:
        """Return whether the market trades, and market time."""
        return self._call("GET", "/v1/market", MarketStatus)

    def greeks(self, symbol: str) -> ContractGreeks:
        """Return the quote and the Greeks of a contract."""
        return self._call("GET", f"/v1/greeks/{quote(symbol, safe='')}", ContractGreeks)

    def option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """Return the chain of an expiry, by default the nearest."""
        path = f"/v1/option-chain/{quote(underlying, safe='')}"
        return self._call("GET", with_query(path, {"expiry": expiry}), OptionChain)

    def chain_summary(self, underlying: str, expiry: date | None = None) -> ChainSummary:
        """Return smile, ratios, max pain and gamma exposure of one expiry, by default of all."""
        path = f"/v1/option-chain/{quote(underlying, safe='')}/summary"
        return self._call("GET", with_query(path, {"expiry": expiry}), ChainSummary)

    def underlying_minutes(
        self, underlying: str, *, expiry: date | None = None, day: date | None = None
    ) -> UnderlyingMinutes:
        """Return spot and straddle at the money minute by minute, by default of the market's day.

        The straddle is that of ``expiry``, by default of the nearest one in each minute.
        """
        path = f"/v1/option-chain/{quote(underlying, safe='')}/minutes"
        return self._call(
            "GET", with_query(path, {"expiry": expiry, "day": day}), UnderlyingMinutes
        )

    def contract_minutes(self, symbol: str, *, day: date | None = None) -> ContractMinutes:
        """Return price and open interest minute by minute, by default of the market's day."""
        path = f"/v1/minutes/{quote(symbol, safe='')}"
        return self._call("GET", with_query(path, {"day": day}), ContractMinutes)
