"""One recorded day of an expiry, from its opening to the settlement of the open positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import monotonic
from uuid import uuid4

from angel_x.bootstrap import Application
from angel_x.client import Client
from angel_x.domain.chains.chain_record import ContractGreeks
from angel_x.domain.contracts.contract import parse_expiry
from angel_x.domain.feed.feed_state import FeedCommand, FeedVerb
from angel_x.domain.operations.invariant import Invariant
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.contract_note import ContractNote
from angel_x.entrypoints.presentation.chains import around_the_money
from angel_x.errors import InvalidInput
from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.proofs import rule
from angel_x.rehearsal.waiting import NotFinished

#: Closing prices stand from here on to the close.
_BEFORE_CLOSE = timedelta(minutes=1)
#: Market seconds in a second while orders are decided: the last minute takes ten.
_SLOW = 0.1
#: And on the way from the close to the settlement.
_FAST = 10.0
_UNDECIDED = {OrderStatus.RECEIVED, OrderStatus.SUBMITTING, OrderStatus.WORKING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Call and put at the money at the opening."""

    call: str
    put: str
    lot_size: int


@dataclass(slots=True, kw_only=True)
class ExpiryDay:
    """The trades of one account on a day of expiry.  Its steps are called in order."""

    application: Application
    client: Client
    user_id: int
    day: date
    patience: Patience

    def check(self) -> None:
        """Check that contracts expire on the day.

        Raises:
            InvalidInput: None does.
        """
        universe = self.application.market.universes.current()
        if not any(parse_expiry(symbol)[1] == self.day for symbol in universe.symbols):
            raise InvalidInput(f"the chain must have contracts that expire on {self.day}")

    def await_opening(self) -> Pair:
        """Return the pair at the money once both of its contracts have Greeks.

        Raises:
            NotFinished: They have not come.
        """
        subject = "Greeks of the expiring chain"
        if not self.patience.wait(subject, lambda: self._pair() is not None):
            raise NotFinished(f"{subject} were not published in time")
        pair = self._pair()
        assert pair is not None
        return pair

    def trade_at_opening(self, pair: Pair) -> None:
        """Buy two lots of the call and sell one of the put, at market."""
        self._command(FeedVerb.SPEED, speed=_SLOW)
        self._trade("call bought at the opening", pair.call, "BUY", 2 * pair.lot_size)
        self._trade("put sold at the opening", pair.put, "SELL", pair.lot_size)

    def trade_at_close(self, pair: Pair) -> None:
        """Go to the closing prices, and sell one of the two lots of the call."""
        self._command(FeedVerb.SEEK, at=self._closes_at - _BEFORE_CLOSE)
        self._await_quote(pair.call)
        self._trade("call sold before the close", pair.call, "SELL", pair.lot_size)

    def await_settlement(self) -> None:
        """Go past the close and wait until no position is open."""
        self._command(FeedVerb.SPEED, speed=_FAST)
        self.patience.wait(
            "the settlement", lambda: not self.client.positions(), progress=self.client.positions
        )

    def note(self) -> ContractNote:
        """Return the contract note of the day."""
        return self.application.people.notes.of(self.user_id, self.day)

    def rules(self, note: ContractNote, opening_cash: Decimal) -> list[Invariant]:
        """Check the books, and the contract note against them."""
        left = [position.symbol for position in self.client.positions()]
        moved = self.client.margin().cash - opening_cash
        return [
            *self.application.operations.invariants.check(self.application.base.market_clock()),
            rule("all is settled", "no position is open after the settlement", left),
            *note_rules(note, moved),
        ]

    @property
    def _closes_at(self) -> datetime:
        return self.application.base.calendar.expires_at(self.day)

    def _pair(self) -> Pair | None:
        universe = self.application.market.universes.current()
        name = universe.underlyings[0]
        chain = self.application.analytics.option_chains.chain(name, self.day)
        for _, call, put in around_the_money(chain.rows, chain.spot, 1):
            if _is_priced(call) and _is_priced(put):
                assert call is not None
                assert put is not None
                lot = universe.contracts[universe.rows[call.symbol]].lot_size
                return Pair(call=call.symbol, put=put.symbol, lot_size=lot)
        return None

    def _trade(self, name: str, symbol: str, side: str, quantity: int) -> None:
        order_name = name.replace(" ", "-")
        [receipt] = self.client.submit(
            {"client_order_id": order_name, "symbol": symbol, "side": side, "quantity": quantity}
        )

        def status() -> OrderStatus:
            return self.client.order(receipt.order_id).status

        if not self.patience.wait(f"the {name}", lambda: status() not in _UNDECIDED):
            raise NotFinished(f"the {name} was not decided in time")
        if status() is not OrderStatus.FILLED:
            order = self.client.order(receipt.order_id)
            raise NotFinished(f"the {name} must be filled, was {order.status}: {order.reason}")

    def _await_quote(self, symbol: str) -> None:
        """Wait for a quote that was written from now on; an older one is of the opening."""
        since = monotonic()

        def is_new() -> bool:
            age = self.client.greeks(symbol).quote_age_seconds
            return age is not None and age < monotonic() - since

        if not self.patience.wait(f"the closing quote of {symbol}", is_new):
            raise NotFinished(f"the closing quote of {symbol} did not come in time")

    def _command(
        self, verb: FeedVerb, *, at: datetime | None = None, speed: float | None = None
    ) -> None:
        """Command the feed, and wait until it has obeyed."""
        command = FeedCommand(id=uuid4().hex, verb=verb, at=at, speed=speed)
        self.application.market.feed_commands.send(command)

        def is_obeyed() -> bool:
            state = self.application.market.beacon.read()
            return state is not None and state.obeyed == command.id

        if not self.patience.wait(f"the command {verb} of the feed", is_obeyed):
            raise NotFinished(f"the feed did not take the command {verb} in time")


def note_rules(note: ContractNote, moved: Decimal) -> Sequence[Invariant]:
    """Return the rules of a contract note; ``moved`` is the change of cash on its day."""
    booked = note.booked_charges
    charges = [] if note.charges.total == booked else [f"{note.charges.total} and {booked}"]
    cash = [] if note.net_amount == moved else [f"{note.net_amount} and {moved}"]
    return [
        rule("note adds up", "charges of the contract note = charges in the ledger", charges),
        rule("note is the cash", "net amount of the contract note = change of cash", cash),
    ]


def _is_priced(row: ContractGreeks | None) -> bool:
    return row is not None and row.implied_vol is not None
