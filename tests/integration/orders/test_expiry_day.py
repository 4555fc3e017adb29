"""The real 25-Jan-2024, a day of expiry, from its opening to its settlement: the contract note by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.exchange.charges import ChargeItems
from angel_x.domain.feed.chain_file import parse_chain
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.orders.order import Side
from angel_x.services.trading.settlement import SettlementReport
from tests.builders.markets import CALENDAR, EXPIRY_DAY, RULES, standing_market
from tests.builders.orders import Market
from tests.builders.risk import model_columns

DAY = date(2024, 1, 25)
CALL, PUT = "NIFTY_25JAN24_21000CE", "NIFTY_25JAN24_21000PE"
CASH = Decimal(10_000_000)


def items(**amounts: str) -> ChargeItems:
    return ChargeItems(**{name: Decimal(amount) for name, amount in amounts.items()})


# Rates of 2024 in percent: STT 0.0625 of sold premium and 0.125 of exercised value, transaction 0.05,
# investor protection 0.0005, SEBI 0.0001, stamp duty 0.003 of bought premium; GST 18 % of brokerage,
# transaction charge and SEBI fee; brokerage 20 rupees an order.  The lot was 50.
#
# Two calls lots are bought at the opening: the first trade was at 453.65, so 453.70 is asked.
#   premium          100 x 453.70                        45,370.00
#   transaction      45,370 x 0.05 %      = 22.685           22.69
#   protection       45,370 x 0.0005 %    =  0.22685          0.23
#   SEBI             45,370 x 0.0001 %    =  0.04537          0.05
#   stamp            45,370 x 0.003 %     =  1.3611           1.36
#   GST              (20 + 22.685 + 0.04537) x 18 % = 7.6914666    7.69
#   total            20 + 22.685 + 0.22685 + 0.04537 + 1.3611 + 7.6914666 = 52.0097866    52.01
BOUGHT = items(
    brokerage="20", transaction="22.69", investor_protection="0.23", sebi="0.05", stamp="1.36",
    gst="7.69", rounding="-0.01", total="52.01",
)  # fmt: skip
# One lot of the put is sold at the opening, at 2.60, a tick below its first trade.
#   premium          50 x 2.60                              130.00
#   STT              130 x 0.0625 %       =  0.08125          0.08
#   transaction      130 x 0.05 %         =  0.065            0.07
#   protection, SEBI 130 x 0.0005 %, 0.0001 %                 0.00
#   GST              (20 + 0.065 + 0.00013) x 18 % = 3.6117234     3.61
#   total            20 + 0.08125 + 0.065 + 0.00065 + 0.00013 + 3.6117234 = 23.7587534    23.76
SOLD_PUT = items(brokerage="20", stt="0.08", transaction="0.07", gst="3.61", total="23.76")
# One lot of the call is sold a minute before the close, at 318.40, a tick below 318.45.
#   premium          50 x 318.40                         15,920.00
#   STT              15,920 x 0.0625 %                        9.95
#   transaction      15,920 x 0.05 %                          7.96
#   protection       15,920 x 0.0005 %    =  0.0796           0.08
#   SEBI             15,920 x 0.0001 %    =  0.01592          0.02
#   GST              (20 + 7.96 + 0.01592) x 18 % = 5.0356656      5.04
#   total            20 + 9.95 + 7.96 + 0.0796 + 0.01592 + 5.0356656 = 43.0411856         43.04
SOLD_CALL = items(
    brokerage="20", stt="9.95", transaction="7.96", investor_protection="0.08", sebi="0.02",
    gst="5.04", rounding="-0.01", total="43.04",
)  # fmt: skip
# The index closed at 21,352.60: the call is worth 352.60, not the 318.45 at which it traded last.
#   exercised        50 x 352.60                         17,630.00
#   STT              17,630 x 0.125 %     = 22.0375          22.04
# The put expires at zero, without a charge.
EXERCISED, EXPIRED = items(stt="22.04", total="22.04"), items()
# Charges: 52.01 + 23.76 + 43.04 + 22.04 = 140.85.
# Cash: 130 + 15,920 - 45,370 + 17,630 - 140.85 = -11,830.85.
CHARGES, NET = Decimal("140.85"), Decimal("-11830.85")


class Replay:
    """The day, a snapshot at a time."""

    def __init__(self, market: Market) -> None:
        self.market, self.application = market, market.application
        lines = EXPIRY_DAY.splitlines(keepends=True)
        self.chain = parse_chain(lines, "day.csv", RULES, CALENDAR, day=DAY)
        listing = self.application.market.contracts
        listing.store.replace(self.chain.universe)
        listing.publish(self.chain.universe.version)
        self.opening, self.closing = self.chain.snapshots

    def show(self, move: MarketMove, at: datetime | None = None) -> None:
        """Publish the quotes of a snapshot, by default at its time."""
        universe, now = self.application.market.universes.current(), self.application.base.clock()
        board = self.application.market.feed_ports.board
        quotes, spots = move.quotes.copy(), move.spots.copy()
        quotes["time"] = spots["time"] = epoch_ms(now)
        self._set_clock(at or move.at)
        board.write(universe, move.rows, quotes)
        board.write_spots(universe, spots)
        spot = float(spots["last"][0]) / 100
        columns = model_columns(universe, at=move.at.timestamp(), spot=spot)
        self.application.market.risk_board.write(universe, 0, columns, epoch_ms(now))

    def trade(self, user: int, side: Side, symbol: str, quantity: int) -> None:
        (accepted,) = self.market.accept(user, self.market.request(side, symbol, quantity=quantity))
        self.application.trading.execution.run([accepted.order_id])
        assert self.market.statuses()[accepted.order_id] == "filled"

    def _set_clock(self, at: datetime) -> None:
        base = self.application.base
        self.application.market.feed_ports.beacon.show(standing_market(at, base.clock()))
        base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)


@pytest.fixture
def replay(application: Application) -> Replay:
    return Replay(Market(application))


def test_the_contract_note_of_a_real_day_of_expiry_is_the_calculation_by_hand(
    replay: Replay,
) -> None:
    user = replay.market.account(cash=str(CASH))
    replay.show(replay.opening)
    replay.trade(user, Side.BUY, CALL, 100)
    replay.trade(user, Side.SELL, PUT, 50)
    replay.show(replay.closing)
    replay.trade(user, Side.SELL, CALL, 50)
    replay.show(replay.closing, replay.closing.at + timedelta(minutes=2))

    settled = replay.application.trading.settlement.run()

    assert settled == SettlementReport(positions=2, accounts=1, waiting=())
    note = replay.application.people.notes.of(user, DAY)
    assert [(order.average_price, order.charges) for order in note.orders] == [
        (Decimal("453.70"), BOUGHT),
        (Decimal("2.60"), SOLD_PUT),
        (Decimal("318.40"), SOLD_CALL),
    ]
    assert sorted((each.quantity, each.price, each.charges.total) for each in note.settlements) == [
        (-50, Decimal(0), EXPIRED.total),
        (50, Decimal("352.60"), EXERCISED.total),
    ]
    assert (note.charges.total, note.booked_charges, note.net_amount) == (CHARGES, CHARGES, NET)
    assert replay.application.trading.balances.of(user).cash == CASH + NET
    replay.market.assert_invariants()
