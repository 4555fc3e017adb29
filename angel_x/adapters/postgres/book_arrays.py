"""The parameters of the SQL that writes a book: one array a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.domain.book.book import Book

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from angel_x.domain.book.account import Exposure
    from angel_x.domain.book.margin_pool import Pair
    from angel_x.domain.book.position import Position


def arrays_of(
    book: Book,
    exposures: Sequence[Exposure],
    pools: Sequence[tuple[Pair, Decimal]],
    held: Sequence[Position],
    new: Sequence[Position],
) -> dict[str, str]:
    """Return the arrays of the changes of a book."""
    return (
        _orders(book)
        | _events(book)
        | _fills(book)
        | _ledger(book)
        | _accounts(book)
        | _exposures(exposures)
        | _pools(pools)
        | _positions(held, "held")
        | _positions(new, "new")
        | _trades(book)
        | _settled(book)
    )


def _orders(book: Book) -> dict[str, str]:
    """Return the final status of each moved order."""
    last = {m.order.id: m for m in book.moves}.values()
    return {
        "order_ids": array(m.order.id for m in last),
        "statuses": array(m.order.status.value for m in last),
        "reasons": array(m.reason for m in last),
        "filled": array(m.order.filled_quantity for m in last),
        "traded": array(m.order.traded_value for m in last),
        "reserved": array(m.order.reserved for m in last),
        "limits": array(m.order.limit_price for m in last),
        "attempts": array(m.order.attempt for m in last),
        "closed": array(m.order.status.is_closed for m in last),
        "amended_ids": array(o.id for o, _ in book.amended),
        "quantities": array(o.quantity for o, _ in book.amended),
        "triggers": array(o.trigger_price for o, _ in book.amended),
        "requeued": array(requeued for _, requeued in book.amended),
    }


def _events(book: Book) -> dict[str, str]:
    moves = book.moves
    return {
        "event_orders": array(m.order.id for m in moves),
        "event_statuses": array(m.status.value for m in moves),
        "event_reasons": array(m.reason for m in moves),
        "event_attempts": array(m.order.attempt for m in moves),
        "event_details": array(m.detail for m in moves),
    }


def _fills(book: Book) -> dict[str, str]:
    fills = book.fills
    return {
        "execution_ids": array(f.execution_id for f in fills),
        "fill_orders": array(f.order.id for f in fills),
        "fill_users": array(f.order.user_id for f in fills),
        "fill_symbols": array(f.order.symbol for f in fills),
        "fill_sides": array(f.order.side.value for f in fills),
        "fill_quantities": array(f.quantity for f in fills),
        "fill_prices": array(f.price for f in fills),
        "trade_dates": array(f.day for f in fills),
    }


def _ledger(book: Book) -> dict[str, str]:
    entries = book.entries
    return {
        "entry_users": array(e.user_id for e in entries),
        "entry_orders": array(e.order_id for e in entries),
        "entry_accounts": array(e.account.value for e in entries),
        "entry_amounts": array(e.amount for e in entries),
    }


def _accounts(book: Book) -> dict[str, str]:
    accounts = book.accounts.values()
    return {
        "user_ids": array(a.id for a in accounts),
        "cash": array(a.cash for a in accounts),
        "margins": array(a.margin_used for a in accounts),
        "pnl": array(a.realised_pnl for a in accounts),
        "open_orders": array(a.open_orders for a in accounts),
        "pnl_days": array(a.pnl_day for a in accounts),
        "day_pnl": array(a.day_pnl for a in accounts),
        "debits": array(a.debit for a in accounts),
    }


def _exposures(exposures: Sequence[Exposure]) -> dict[str, str]:
    return {
        "exposure_users": array(e.user_id for e in exposures),
        "exposure_symbols": array(e.symbol for e in exposures),
        "nets": array(e.net_quantity for e in exposures),
        "bidding": array(e.open_buy_quantity for e in exposures),
        "offered": array(e.open_sell_quantity for e in exposures),
    }


def _pools(pools: Sequence[tuple[Pair, Decimal]]) -> dict[str, str]:
    return {
        "margin_users": array(user_id for (user_id, _), _ in pools),
        "underlyings": array(underlying for (_, underlying), _ in pools),
        "pool_margins": array(held for _, held in pools),
    }


def _positions(positions: Iterable[Position], prefix: str) -> dict[str, str]:
    rows = list(positions)
    return {
        f"{prefix}_ids": array(p.id for p in rows),
        f"{prefix}_users": array(p.user_id for p in rows),
        f"{prefix}_symbols": array(p.symbol for p in rows),
        f"{prefix}_products": array(p.product.value for p in rows),
        f"{prefix}_quantities": array(p.quantity for p in rows),
        f"{prefix}_costs": array(p.cost for p in rows),
        f"{prefix}_pnl": array(p.realised_pnl for p in rows),
    }


def _trades(book: Book) -> dict[str, str]:
    return {
        "trade_users": array(user_id for user_id, _, _ in book.trades),
        "trade_symbols": array(symbol for _, symbol, _ in book.trades),
        "trade_sides": array(t.side.value for _, _, t in book.trades),
        "trade_quantities": array(t.quantity for _, _, t in book.trades),
        "entry_prices": array(t.entry_price for _, _, t in book.trades),
        "exit_prices": array(t.exit_price for _, _, t in book.trades),
        "trade_pnl": array(t.realised_pnl for _, _, t in book.trades),
        "entered": array(t.entry_time for _, _, t in book.trades),
    }


def _settled(book: Book) -> dict[str, str]:
    settled = book.settled
    return {
        "settled_users": array(s.user_id for s in settled),
        "settled_symbols": array(s.symbol for s in settled),
        "settled_expiries": array(s.expiry for s in settled),
        "settled_products": array(s.product.value for s in settled),
        "settled_quantities": array(s.quantity for s in settled),
        "settled_indices": array(s.index for s in settled),
        "settled_prices": array(s.price for s in settled),
        "settled_pnl": array(s.realised_pnl for s in settled),
        "settled_charges": array(s.charges for s in settled),
    }
