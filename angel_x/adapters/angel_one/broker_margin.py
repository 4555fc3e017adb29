"""The broker's margin of its positions, by underlying."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import structlog

from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.records import BookPosition
from angel_x.adapters.angel_one.scrips import FindSymbols, symbols_of
from angel_x.adapters.angel_one.wire import Turn
from angel_x.domain.contracts.contract import underlying_of

log = structlog.get_logger()

#: Positions of one request; the broker publishes no limit.
_MOST_LEGS = 50


def margins(client: AngelOne, until: float, find: FindSymbols) -> dict[str, Decimal]:
    """Return the margin of each underlying in rupees, without premium.

    An underlying with more positions than the calculator takes is left out.

    Raises:
        BrokerError: A request failed, or could not begin until then by the monotonic clock.
    """
    client.login()
    turn = Turn(until=until)
    found = {}
    for underlying, held in _by_underlying(client.positions(turn), find).items():
        if len(held) > _MOST_LEGS:
            log.warning("margin.uncompared", underlying=underlying, positions=len(held))
            continue
        found[underlying] = client.margin([_leg(each) for each in held], turn).blocked
    return found


def _by_underlying(
    positions: Iterable[BookPosition], find: FindSymbols
) -> dict[str, list[BookPosition]]:
    held = [each for each in positions if each.quantity]
    symbols = symbols_of({each.trading_symbol for each in held}, find)
    found: dict[str, list[BookPosition]] = {}
    for each in held:
        found.setdefault(underlying_of(symbols[each.trading_symbol]), []).append(each)
    return found


def _leg(position: BookPosition) -> dict[str, object]:
    return {
        "exchange": position.exchange,
        "token": position.symbol_token,
        "qty": abs(position.quantity),
        "price": 0,
        "productType": position.product,
        "tradeType": "BUY" if position.quantity > 0 else "SELL",
        "orderType": "MARKET",
    }
