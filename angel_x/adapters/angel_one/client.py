"""The client of SmartAPI: typed results, one session, and another attempt where it had ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from angel_x.adapters.angel_one import calls
from angel_x.adapters.angel_one.records import (
    BookOrder,
    BookPosition,
    BookTrade,
    Funds,
    Margin,
    Placed,
    Profile,
    Scrip,
    fields,
    listed,
)
from angel_x.adapters.angel_one.session import Session
from angel_x.adapters.angel_one.wire import Turn, Wire
from angel_x.errors import BrokerSessionEnded

_SYSTEM = Turn()
#: The tokens that another process has renewed may have ended as well.
_RENEWALS = 2


class AngelOne:
    """A client of one account at the broker.  Threads may share it.

    Every method raises :class:`~angel_x.errors.BrokerError`.  Of the methods that change something, a
    :class:`~angel_x.errors.BrokerUnavailable` says that the outcome is unknown; any other error says
    that nothing has happened.
    """

    def __init__(self, wire: Wire, session: Session) -> None:
        self._wire = wire
        self.session = session

    def close(self) -> None:
        """Close all connections; the session goes on until midnight or :meth:`logout`."""
        self._wire.close()

    def login(self) -> None:
        """Log in, unless a session goes on."""
        self.session.tokens()

    def logout(self) -> None:
        """End the session, also for the other processes; without one nothing is sent."""
        self.session.end()

    def profile(self) -> Profile:
        """Return the client that is logged in."""
        return Profile.of(fields(self._call(calls.PROFILE)))

    def funds(self, turn: Turn = _SYSTEM) -> Funds:
        """Return the money of the client."""
        return Funds.of(fields(self._call(calls.FUNDS, turn=turn)))

    def positions(self, turn: Turn = _SYSTEM) -> list[BookPosition]:
        """Return the positions of the day and those carried forward."""
        return [BookPosition.of(row) for row in listed(self._call(calls.POSITIONS, turn=turn))]

    def margin(self, legs: Sequence[Mapping[str, object]], turn: Turn = _SYSTEM) -> Margin:
        """Return the margin of positions together, at most fifty."""
        content = {"positions": list(legs)}
        return Margin.of(fields(self._call(calls.MARGIN, content, turn=turn)))

    def order_book(self, turn: Turn = _SYSTEM) -> list[BookOrder]:
        """Return all orders of the day, those of other programs too."""
        return [BookOrder.of(row) for row in listed(self._call(calls.ORDER_BOOK, turn=turn))]

    def trade_book(self, turn: Turn = _SYSTEM) -> list[BookTrade]:
        """Return all executions of the day."""
        return [BookTrade.of(row) for row in listed(self._call(calls.TRADE_BOOK, turn=turn))]

    def details(self, unique_id: str, turn: Turn = _SYSTEM) -> BookOrder:
        """Return one order by its unique id."""
        return BookOrder.of(
            fields(self._call(calls.DETAILS, name=quote(unique_id, safe=""), turn=turn))
        )

    def search(self, exchange: str, name: str, turn: Turn = _SYSTEM) -> list[Scrip]:
        """Return the contracts of an exchange whose trading symbols begin with a name."""
        content = {"exchange": exchange, "searchscrip": name}
        return [Scrip.of(row) for row in listed(self._call(calls.SEARCH, content, turn=turn))]

    def place(self, order: Mapping[str, str], turn: Turn = _SYSTEM) -> Placed:
        """Place an order; it is accepted then, not executed, and may still be rejected."""
        return Placed.of(fields(self._call(calls.PLACE, order, turn=turn)))

    def modify(self, order: Mapping[str, str], turn: Turn = _SYSTEM) -> Placed:
        """Request other quantities or prices of an order."""
        return Placed.of(fields(self._call(calls.MODIFY, order, turn=turn)))

    def cancel(self, variety: str, order_id: str, turn: Turn = _SYSTEM) -> Placed:
        """Request the cancellation of an order."""
        content = {"variety": variety, "orderid": order_id}
        return Placed.of(fields(self._call(calls.CANCEL, content, turn=turn)))

    def _call(
        self,
        call: calls.Call,
        content: Mapping[str, object] | None = None,
        *,
        name: str = "",
        turn: Turn = _SYSTEM,
    ) -> object:
        tokens = self.session.tokens()
        for _ in range(_RENEWALS):
            try:
                return self._wire.send(call, content, token=tokens.access, name=name, turn=turn)
            except BrokerSessionEnded:
                # The request had no effect, so a write may be sent again as well.
                tokens = self.session.renewed(tokens)
        return self._wire.send(call, content, token=tokens.access, name=name, turn=turn)
